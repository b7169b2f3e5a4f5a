#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace reachback::service {

/// bcrypt reads so many bytes of a password and ignores the rest.
inline constexpr std::size_t bcrypt_password_limit = 72;

/// The cost of a whole hash of the forms $2a$, $2b$ and $2y$; nothing when it is none.
[[nodiscard]] std::optional<unsigned> bcrypt_cost(std::string_view hash);

/// Hashes with the salt and cost of `setting`, a whole hash: equal to it when the password is right. Takes
/// 2^cost steps: a quarter of a second for 12. Any thread. Throws std::runtime_error when the system refuses.
[[nodiscard]] std::string bcrypt(std::string_view password, std::string const& setting);

/// A $2b$ hash with a new salt; `cost` from 4 to 31. Throws std::runtime_error when the system refuses.
[[nodiscard]] std::string new_bcrypt_hash(std::string_view password, unsigned cost);

}  // namespace reachback::service
