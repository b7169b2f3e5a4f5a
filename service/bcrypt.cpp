#include "bcrypt.hpp"

#include <crypt.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

namespace reachback::service {
namespace {

constexpr std::size_t hash_size = 60;
constexpr std::size_t salt_at = 7;  // behind "$2b$12$"
constexpr unsigned least_cost = 4, most_cost = 31;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void refused() { throw std::system_error(errno, std::generic_category(), "libcrypt"); }

}  // namespace

std::optional<unsigned> bcrypt_cost(std::string_view hash) {
  constexpr std::string_view letters = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  if (hash.size() != hash_size || !is_digit(hash[4]) || !is_digit(hash[5]) || hash[6] != '$') return {};
  auto const form = hash.substr(0, 4);
  if (form != "$2a$" && form != "$2b$" && form != "$2y$") return {};
  if (hash.find_first_not_of(letters, salt_at) != std::string_view::npos) return {};
  auto const cost = static_cast<unsigned>((hash[4] - '0') * 10 + (hash[5] - '0'));
  if (cost < least_cost || cost > most_cost) return {};
  return cost;
}

std::string bcrypt(std::string_view password, std::string const& setting) {
  // libcrypt refuses much longer ones instead of ignoring their end.
  std::string const read(password.substr(0, bcrypt_password_limit));
  auto const data = std::make_unique<crypt_data>();
  char const* const hash = ::crypt_rn(read.c_str(), setting.c_str(), data.get(), sizeof *data);
  if (hash == nullptr) refused();
  return hash;
}

std::string new_bcrypt_hash(std::string_view password, unsigned cost) {
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
  // Without random bytes of ours it asks the system for them.
  if (::crypt_gensalt_rn("$2b$", cost, nullptr, 0, setting.data(), int{setting.size()}) == nullptr) refused();
  return bcrypt(password, setting.data());
}

}  // namespace reachback::service
