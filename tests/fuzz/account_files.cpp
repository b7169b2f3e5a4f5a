// The files of accounts and keys: users as the file has them, or one line that says what is wrong and never
// what stands there.
#include <map>
#include <string>

#include "file_of_bytes.hpp"
#include "key_file.hpp"
#include "password_file.hpp"
#include "reachback/errors.hpp"
#include "target.hpp"
#include "text_file.hpp"

namespace reachback::fuzz {
namespace {

/// Knows the password "right" only; not even bcrypt's cheapest hash is cheap.
std::string hash(std::string_view password, std::string const& setting) {
  return password == "right" ? setting : std::string("wrong");
}

void nobody_listens(LogLevel, std::string_view) {}

void check_refusal(StartError const& error, std::string_view content) {
  std::string_view const what = error.what();
  expect(what.find('\n') == what.npos, "a refusal is one line");
  for (auto const& line : service::lines_of(content)) {
    constexpr std::size_t longest_refusal = 80;  // a shorter line may be a piece of the refusal's own words
    if (line.text.size() > longest_refusal)
      expect(what.find(line.text) == what.npos, "what stands there is not repeated");
  }
}

void check_passwords(std::string const& path, std::string_view content) {
  try {
    service::PasswordFile file(path, nobody_listens, hash);
    for (auto const& line : service::lines_of(content)) {
      auto const user = line.text.substr(0, line.text.find(','));
      expect(file.check(user, "right"), "a user with a line may come in");
      expect(!file.check(user, "other"), "but not with another password");
    }
    expect(!file.check("a user that no file, has", "right"), "others may not");
  } catch (StartError const& error) {
    check_refusal(error, content);
  }
}

void run(std::string_view input) {
  FileOfBytes const file(input);
  check_passwords(file.path(), input);
  try {
    auto const key = service::read_key_file(file.path(), nobody_listens);
    expect(key.size() >= 32 && input.starts_with(key), "a key is what the file says");
  } catch (StartError const& error) {
    check_refusal(error, input);
  }
}

Registration const registration("account_files", run);

}  // namespace
}  // namespace reachback::fuzz
