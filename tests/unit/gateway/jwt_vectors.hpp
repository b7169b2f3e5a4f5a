#pragma once

#include <string_view>

// Public keys and tokens made by PyJWT, by keys that were thrown away. The claims of each are
// {"sub":"ann","exp":1800003600,"scope":"call:*"}.

namespace reachback::jwt_vectors {

inline constexpr std::string_view rsa_key =
    R"({"kty":"RSA","n":"y4_M37OZs55SEjbElGoid0scY53HoHQfoB099VcFE06a7SrMBwlKwbEhYvbo5ktWOsC9MfMc6gPVDV)"
    R"(TzAHwdj_7_OjRfn8Umlphq8wSt24UMqb6kJZEdDd9BfW5G5klSTfYtCJvMf5yL68fqzqz-WCGUGpAHUu_g3RC2GQurZWPoQC)"
    R"(FCBL6p21zX3e0x8II7vMs-wRC-aRV2aTWcpMDvT5HVW43erhovacFtFwtjQ0aP2MxE1IUoET1qXKh1UeVNkwPe6IqX4lF_3r)"
    R"(BQTVl5N7I2UNLiKZnzpnT58r0JbJ_vOu1Xj8CU9C7M5-d737kjlOkVzWi07cYuAT2Ukdoj-Q","e":"AQAB"})";
/// 1024 bits.
inline constexpr std::string_view short_rsa_key =
    R"({"kty":"RSA","n":"pq_zFQQ2GokLEL5kJ33BP0e9IHQMnGltdFQD7EWqHP6TARrdTDQCVvRDbn4emjRw1FS1o5dCclgRMU)"
    R"(-7WowRVBj-9uQzHLFmTqYBfn5z3TVqqMbs8RMyWrVT3HoTZiY8azo9hCOpQlP8RDpk3si_RmcXQDMamLesJpopZP2ytrE",")"
    R"(e":"AQAB"})";
inline constexpr std::string_view ec_key =
    R"({"kty":"EC","crv":"P-256","x":"ChzgUnnjWfKCZYRdRiN4VBLYu-Q0lt_-vfI9STqvf78","y":"osTnPbDwdZz9yNB)"
    R"(w14fhpa5b3JpLsl8exS1SjJIk1Lk"})";
inline constexpr std::string_view p384_key =
    R"({"kty":"EC","crv":"P-384","x":"gAa-GOeikJyRkHx9B5RlAoTAnAOQfolwAVCuc69X2t0FAcwBzcAeIJJn3W711DHG")"
    R"(,"y":"PQLhJ4BEMiU55bu0-lVcGZSYZlUnavLFpMKoXw44IQwjqe59xvoBFwUXBD7MsKZu"})";
inline constexpr std::string_view rs256 =
    R"(eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE4MDAwMDM2MDAsInNjb3BlIjoiY2FsbDo)"
    R"(qIn0.Ejfhdw2jHwbWcEFiNuS1ObMg7b0vAEG8d92DALKRDnxFECsFr--g6umVPqQ3GbKX4-IlM4axAI8s_DJAzBsvm0RmfWf)"
    R"(MRGV37eusvtIYvfzYHHVOlmaP6acsFb0wrPu1RjCJwAZ56Dhr8aBw2IU5tdzzFEHBUEBO544BeM-nH_WbS4bBtHIVL4iY4iK)"
    R"(IsdbGmKN4Kk6jD_tekWM3BcdM9SW7Z43i-aLjRgcS8NUikBY1kGf_6Tk1eC91iXTqkBdASsJ9fLTtHm5KmJH0JLc7TuwG9aQ)"
    R"(V72gDbTOVCzu7BSEyxW3Mbv9er_9O-LLV_YeFUAXSESbun7fymKGvWxyzpA)";
/// As RFC 9068 has it, with a `kid`.
inline constexpr std::string_view rs256_typed =
    R"(eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6ImF0K2p3dCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE4MDAwMDM2MDA)"
    R"(sInNjb3BlIjoiY2FsbDoqIn0.DNhsCEexGWTThg0LM2icEYqjB8_C0rEM-7ikkjfHpU2ILo0b_icwyXQXLorq4-A7-DoV1SC)"
    R"(nB5VbPITtWA3KQk91q-A-SR0Edr8tTew_SwMUcZBSQvXT8hIX_E_5bjcqa_4VFF2SjjBKxXOSqP7DdxdsIBHA-vkX1oNtbHA)"
    R"(Bvgf2OJEDaz0llMXMVzGXGcWLCqRpJOQm4bd86vSuIQ-XP6Q3WJ9qHz8Z3EewIgIHkPnhBQj3IWJJ1MzRfzel4zs_AgPiFNQ)"
    R"(Fx7c7RD2ZUKJO1oKVV6CZnca8nOSs6bnQoQksB9u7OZk7ozwsF6oNxWmcbXXEr7eJxFqMmAuSVSB62A)";
inline constexpr std::string_view rs512 =
    R"(eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE4MDAwMDM2MDAsInNjb3BlIjoiY2FsbDo)"
    R"(qIn0.V38_P-1KNP9KOxek5alL9colQVvQkd3qxmpRsLGDvKN-c2vbZeW6vnT9fq0u9_xuV5oj9glRhKqkWR7OjJrqyocvlXV)"
    R"(qbvAl1-8ew2ABMCptvLjJrLGpSXdOEEJ1DbG-NlBo27PKuaRFv0o4reZ7x7pkGwUaP7SClugyjqytJzm3HKqp78BYnKEZ_fX)"
    R"(KYizp_68fwKBQS_xDYkyNVWq7CyvLlKTT1LLtMIHpcbE7NWjTAVgHFddlO5JNCf3jFMiqOZA1QxVclkcpDHay6dXHF3YDnl-)"
    R"(GMmucV_xfHClG_OYTh0hrsiOWrL59WmZMmcNK_fJ8PstpH6oAEnyGNO2UIw)";
inline constexpr std::string_view ps256 =
    R"(eyJhbGciOiJQUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE4MDAwMDM2MDAsInNjb3BlIjoiY2FsbDo)"
    R"(qIn0.lX06dXGtlB8gg5V1F94_-7_dRlHo4Y1c5fgJijjKRIP2B46_2L6at-OOo9tkTYQVCsp92KpPLtRUSsWVpbgQIA8f9NH)"
    R"(dlGR_SPuVlUsyLs4xgQtUFI8oBItw9w6jIGBG2Y8wEVz_C5VN05GTn1zeiEv8YaYFkjc-EwZHUdPT69bs7y4X_c2R1IaE4vh)"
    R"(Z-mjpM5H31yyA0AM8BPkAL86QugJuqxgsHNrofqLRY2fwKPb5Msb-KLHRqtsXbJ_JW_VL2BlMSPGohxAVxV3WWMOlCuCV-T2)"
    R"(QY7y9F1k0qSlHegvreRY1wP0hS6tHZpFehtHVvqZPiKtPI1FLWBUKTf0xXA)";
inline constexpr std::string_view es256 =
    R"(eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE4MDAwMDM2MDAsInNjb3BlIjoiY2FsbDo)"
    R"(qIn0.Mee61DEX6Aeaxq3SEPEBKCQqRUgHNf-vvxrf59DLRfv387wx17cFzcnnhaxnrBCmuVl3pJ67NeIusS3k_531Cg)";
inline constexpr std::string_view es384 =
    R"(eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbm4iLCJleHAiOjE4MDAwMDM2MDAsInNjb3BlIjoiY2FsbDo)"
    R"(qIn0.W7dyQUpDdS-o-rx8JCUKqjzGCCX8okQwrvSwwuDH6OjxDAFRXJ51UDzldQv5mGlqUECIEYhRSRm8iIRGjm-CRTWNkKY)"
    R"(TsjT903xoXqSLC9hJy67gwEKo9TmWImqgcjsg)";

}  // namespace reachback::jwt_vectors
