#include "password_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bcrypt.hpp"
#include "reachback/errors.hpp"
#include "reachback/proto/utf8.hpp"
#include "text_file.hpp"

namespace reachback::service {
namespace {

/// What an empty file makes strangers wait for: the cost of the original's hashes.
constexpr unsigned usual_cost = 12;

/// A hash of no known password.
std::string nobodys_hash(unsigned cost) { return fmt::format("$2b${:02}${:.<53}", cost, ""); }

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned volatile difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference = difference | static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace

PasswordFile::PasswordFile(std::string path, LogFunction log)
    : PasswordFile(std::move(path), std::move(log), bcrypt) {}

PasswordFile::PasswordFile(std::string path, LogFunction log, HashFunction hash)
    : path_(std::move(path)),
      log_(std::move(log)),
      hash_(std::move(hash)),
      text_(read_text_file(path_)),
      accounts_(parse(path_, text_)) {}

PasswordFile::Accounts PasswordFile::parse(std::string const& path, std::string_view text) {
  Accounts accounts;
  for (auto const [number, line] : lines_of(text)) {
    auto const require = [&path, number](bool holds, char const* otherwise) {
      if (!holds) throw StartError(fmt::format("{}, line {}: {}", path, number, otherwise));
    };
    auto const comma = line.find(',');
    require(comma != std::string_view::npos && comma != 0, "it is not of the form USER,HASH");
    std::string_view const user = line.substr(0, comma);
    std::string_view const hash = line.substr(comma + 1);
    auto const cost = bcrypt_cost(hash);
    require(proto::is_valid_utf8(user), "the user's name is not UTF-8");
    require(cost.has_value(), "what follows the user's name is no bcrypt hash");
    require(accounts.hashes.emplace(user, hash).second, "this user has a line already");
    accounts.cost = std::max(accounts.cost, *cost);
  }
  if (accounts.cost == 0) accounts.cost = usual_cost;
  return accounts;
}

// Reading a file costs nothing beside a hash, and no change can hide from it, as one could from its times.
void PasswordFile::refresh() {
  try {
    std::string text = read_text_file(path_);
    if (text != text_) {
      auto accounts = parse(path_, text);
      accounts_ = std::move(accounts);
      text_ = std::move(text);
      log_(LogLevel::info, fmt::format("{} has changed: {} users", path_, accounts_.hashes.size()));
    }
    fault_.clear();
  } catch (StartError const& error) {
    if (fault_ == error.what()) return;
    fault_ = error.what();
    log_(LogLevel::error, fmt::format("the users stay as they were: {}", fault_));
  }
}

bool PasswordFile::matches(std::string_view password, std::string const& hash) const {
  return equal_in_constant_time(hash_(password, hash), hash);
}

bool PasswordFile::check(std::string_view user, std::string_view password) {
  refresh();
  auto const found = accounts_.hashes.find(user);
  bool const known = found != accounts_.hashes.end();
  std::string const hash = known ? found->second : nobodys_hash(accounts_.cost);
  bool const right = matches(password, hash);
  // 2^c and all powers of two from c to n - 1 make 2^n: every check takes as many steps.
  for (unsigned cost = bcrypt_cost(hash).value(); cost < accounts_.cost; ++cost)
    static_cast<void>(matches(password, nobodys_hash(cost)));
  return known && right && password.find('\0') == std::string_view::npos;
}

}  // namespace reachback::service
