#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "reachback/config.hpp"

namespace reachback::service {

/// The users of a file with one `user,bcrypt-hash` line for each, as the original has it. White space around
/// a line does not count; empty lines and those that begin with # are passed over. Names are UTF-8.
///
/// The file is looked at with each check, so a change counts at once. While it is unreadable or malformed
/// the accounts that it had before stay good; that is logged once.
class PasswordFile {
 public:
  using LogFunction = std::function<void(LogLevel, std::string_view)>;
  /// `bcrypt`, or a test's.
  using HashFunction = std::function<std::string(std::string_view password, std::string const& setting)>;

  /// Throws StartError when the file is unreadable or malformed: one line that names the file and the line,
  /// and never repeats its content.
  PasswordFile(std::string path, LogFunction log);
  PasswordFile(std::string path, LogFunction log, HashFunction hash);

  /// Whether the user has that password. Takes the time of one check at the highest cost in the file,
  /// whether there is such a user or not and whatever the cost of the user's own hash. A password with a NUL
  /// is wrong; what is over 72 bytes does not count, as in the original. Any thread, one call at a time.
  /// Throws std::runtime_error when the system cannot hash.
  [[nodiscard]] bool check(std::string_view user, std::string_view password);

 private:
  struct Accounts {
    std::map<std::string, std::string, std::less<>> hashes;
    unsigned cost = 0;  ///< the highest
  };

  [[nodiscard]] static Accounts parse(std::string const& path, std::string_view text);
  void refresh();
  [[nodiscard]] bool matches(std::string_view password, std::string const& hash) const;

  std::string const path_;
  LogFunction const log_;
  HashFunction const hash_;
  std::string text_;   ///< of the file when it was read last
  std::string fault_;  ///< that has been logged; empty: none
  Accounts accounts_;
};

}  // namespace reachback::service
