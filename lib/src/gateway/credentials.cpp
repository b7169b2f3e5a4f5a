#include "gateway/credentials.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <charconv>
#include <stdexcept>

namespace reachback::gateway {
namespace {

constexpr std::string_view test_name = "test";

std::string to_hex(std::string_view bytes) {
  std::string hex;
  hex.reserve(bytes.size() * 2);
  for (char const byte : bytes)
    fmt::format_to(std::back_inserter(hex), "{:02x}", static_cast<unsigned char>(byte));
  return hex;
}

std::string random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(count)) != 1) {
    throw std::runtime_error("the system gives no random bytes");
  }
  return bytes;
}

std::string sha256(std::string_view text) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha256(),
             nullptr);
  digest.resize(size);
  return digest;
}

std::string_view trim(std::string_view text) {
  auto const first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned value = 0;
    if (std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16).ptr != hex.data() + i + 2) return {};
    bytes += static_cast<char>(value);
  }
  return bytes;
}

}  // namespace

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view cookie(wire::HttpFields const& fields, std::string_view name) {
  for (std::string_view line : fields.all("Cookie")) {
    while (!line.empty()) {
      auto const end = std::min(line.find(';'), line.size());
      std::string_view const pair = trim(line.substr(0, end));
      line.remove_prefix(std::min(end + 1, line.size()));
      auto const equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
      std::string_view value = pair.substr(equals + 1);
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
        value = value.substr(1, value.size() - 2);
      return value;
    }
  }
  return {};
}

Credentials::Credentials(TestAccount test_account, std::vector<std::string> const& tokens)
    : test_account_(test_account == TestAccount::on), key_(random_bytes(32)) {
  for (auto const& token : tokens) token_hashes_.push_back(sha256(token));
  if (test_account_) token_hashes_.push_back(sha256(test_name));
}

std::optional<Identity> Credentials::verify(wire::HttpFields const& fields, WallClock::time_point now,
                                            LastToken& last) const {
  std::string_view const authorization = fields.get("Authorization");
  if (authorization.empty()) return verify_login(cookie(fields, "login"), now);
  if (equal_in_constant_time(authorization, last.authorization)) return last.identity;
  auto const who = verify_token(authorization);
  if (who) last = {std::string(authorization), *who};
  return who;
}

std::optional<Identity> Credentials::verify(wire::HttpFields const& fields, WallClock::time_point now) const {
  LastToken none;
  return verify(fields, now, none);
}

std::optional<Identity> Credentials::verify_token(std::string_view authorization) const {
  constexpr std::string_view scheme = "Bearer ";
  if (authorization.size() <= scheme.size() ||
      !wire::equal_ignoring_case(authorization.substr(0, scheme.size()), scheme)) {
    return std::nullopt;
  }
  std::string const hash = sha256(trim(authorization.substr(scheme.size())));
  bool known = false;
  for (auto const& token : token_hashes_) known |= equal_in_constant_time(hash, token);
  if (!known) return std::nullopt;
  return Identity{"token"};
}

bool Credentials::check_password(std::string_view user, std::string_view password) const {
  bool const user_known = equal_in_constant_time(user, test_name);
  bool const password_right = equal_in_constant_time(password, test_name);
  return test_account_ && user_known && password_right;
}

std::string Credentials::sign(std::string_view text) const {
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<unsigned char const*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), &size);
  mac.resize(size);
  return to_hex(mac);
}

// The cookie is USER|EXPIRY|MAC: the user's name in hex, the time in seconds since the epoch.
std::string Credentials::make_login(std::string_view user, WallClock::time_point now) const {
  auto const expiry =
      std::chrono::duration_cast<std::chrono::seconds>((now + login_lasts).time_since_epoch()).count();
  std::string const signed_part = fmt::format("{}|{}", to_hex(user), expiry);
  return fmt::format("{}|{}", signed_part, sign(signed_part));
}

std::optional<Identity> Credentials::verify_login(std::string_view cookie, WallClock::time_point now) const {
  auto const mac_at = cookie.rfind('|');
  auto const expiry_at = cookie.find('|');
  if (mac_at == std::string_view::npos || mac_at == expiry_at) return std::nullopt;
  std::string_view const signed_part = cookie.substr(0, mac_at);
  if (!equal_in_constant_time(sign(signed_part), cookie.substr(mac_at + 1))) return std::nullopt;
  long long expiry = 0;
  std::from_chars(signed_part.data() + expiry_at + 1, signed_part.data() + signed_part.size(), expiry);
  if (now >= WallClock::time_point(std::chrono::seconds(expiry))) return std::nullopt;
  return Identity{from_hex(signed_part.substr(0, expiry_at))};
}

std::string Credentials::make_xsrf() { return to_hex(random_bytes(16)); }

}  // namespace reachback::gateway
