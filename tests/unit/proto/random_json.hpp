#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace reachback::proto::test {

/// Writes random JSON texts, the same ones in every run, and spoils them. All of Boost.JSON's grammar comes
/// up except what the protocol reads differently on purpose (lone surrogates, exponents beyond a double).
class RandomJson {
 public:
  explicit RandomJson(std::uint64_t seed) : random_(seed) {}

  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  std::string object(int depth = 0) {
    std::string text = "{" + space();
    auto const members = below(6);
    for (std::uint64_t i = 0; i < members; ++i) {
      if (i > 0) text += "," + space();
      text += key() + space() + ":" + space() + value(depth + 1) + space();
    }
    return text + "}";
  }

  std::string string() {
    static constexpr std::array<std::string_view, 14> pieces = {"a",
                                                                "\\\"",
                                                                "\\\\",
                                                                "\\/",
                                                                "\\n",
                                                                "\\u00e9",
                                                                "\\ud83d\\ude00",
                                                                "\xC3\xA9",
                                                                "\xF0\x9F\x98\x80",
                                                                "{",
                                                                "]",
                                                                ",",
                                                                "\\u0000",
                                                                "0123456789abcdef"};
    std::string text = "\"";
    auto const count = below(8) == 0 ? below(60) : below(5);
    for (std::uint64_t i = 0; i < count; ++i) text += pieces[below(pieces.size())];
    return text + "\"";
  }

  std::string number() {
    std::string text = below(3) == 0 ? "-" : "";
    text += below(4) == 0 ? "0" : std::to_string(1 + below(2'000'000'000));
    if (below(4) == 0) text += "." + std::to_string(below(1000));
    if (below(4) == 0)
      text += std::string(below(2) == 0 ? "e" : "E") + std::array{"", "+", "-"}[below(3)] +
              std::to_string(below(30));
    return text;
  }

  /// One to three bytes changed, put in, taken out, or the end cut off.
  std::string spoiled(std::string text) {
    static constexpr char letters[] = "{}[]\",:\\ \n\t0123456789.eE+-truefalsn/\0\x1f\x7f";
    constexpr std::string_view alphabet(letters, sizeof letters - 1);
    auto const changes = 1 + below(3);
    for (std::uint64_t i = 0; i < changes && !text.empty(); ++i) {
      auto const at = below(text.size());
      char const letter = alphabet[below(alphabet.size())];
      switch (below(4)) {
        case 0:
          text[at] = letter;
          break;
        case 1:
          text.insert(at, 1, letter);
          break;
        case 2:
          text.erase(at, 1);
          break;
        default:
          text.resize(below(8) == 0 ? at : text.size());
          break;
      }
    }
    return text;
  }

  std::string bytes(std::size_t size) {
    std::string text(size, '\0');
    for (char& c : text) c = static_cast<char>(below(256));
    return text;
  }

 private:
  std::string space() {
    static constexpr std::array<std::string_view, 6> spaces = {"", "", "", " ", "\n", " \t\r\n "};
    return std::string(spaces[below(spaces.size())]);
  }

  std::string key() {
    static constexpr std::array<std::string_view, 7> keys = {
        "\"callId\"", "\"\\u0063allId\"", "\"status\"", "\"data\"", "\"numParts\"", "\"\"", "\"cmd\""};
    return below(2) == 0 ? std::string(keys[below(keys.size())]) : string();
  }

  std::string array(int depth) {
    std::string text = "[" + space();
    auto const elements = below(4);
    for (std::uint64_t i = 0; i < elements; ++i)
      text += (i > 0 ? "," + space() : "") + value(depth + 1) + space();
    return text + "]";
  }

  std::string value(int depth) {
    static constexpr std::array<std::string_view, 3> literals = {"true", "false", "null"};
    switch (below(depth > 6 ? 3 : 5)) {
      case 0:
        return std::string(literals[below(literals.size())]);
      case 1:
        return string();
      case 2:
        return number();
      case 3:
        return array(depth);
      default:
        return object(depth);
    }
  }

  std::mt19937_64 random_;
};

}  // namespace reachback::proto::test
