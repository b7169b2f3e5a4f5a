#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace reachback {

/// A bearer token that is good, by its hash: who reads the configuration cannot use it.
struct TokenConfig {
  std::string name;    ///< what logs and lists call who carries it
  std::string sha256;  ///< of the token, 64 hex digits
  /// What it is good for: `serve:ENDPOINT`, `call:ENDPOINT`, `send:ENDPOINT`, `watch:ENDPOINT` (an asterisk
  /// for any endpoint), `admin`, and `*` for all.
  std::vector<std::string> scopes;

  bool operator==(TokenConfig const&) const = default;
};

/// A new secret of 256 random bits, as a text that fits into a header. Throws std::runtime_error when the
/// system gives no random bytes.
[[nodiscard]] std::string new_token();

/// The token's SHA-256 in hex. No salt and no slow hash: what `new_token` makes cannot be guessed.
[[nodiscard]] std::string hash_of_token(std::string_view token);

/// A token that the program knows in clear.
[[nodiscard]] TokenConfig known_token(std::string name, std::string_view token,
                                      std::vector<std::string> scopes = {"*"});

}  // namespace reachback
