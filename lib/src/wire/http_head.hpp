#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reachback::wire {

struct HttpField {
  std::string name;
  std::string value;
};

/// Fields in the order in which they came. Names compare without regard to letter case.
class HttpFields {
 public:
  void add(std::string_view name, std::string_view value) {
    fields_.push_back({std::string(name), std::string(value)});
  }
  /// The first field of that name; empty when there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  /// Whether a comma-separated list under that name, on one line or several, contains the token, in any
  /// letter case.
  [[nodiscard]] bool lists(std::string_view name, std::string_view token) const;
  [[nodiscard]] std::vector<HttpField> const& list() const { return fields_; }
  void clear() { fields_.clear(); }
  void reserve(std::size_t count) { fields_.reserve(count); }

 private:
  std::vector<HttpField> fields_;
};

struct HttpRequestHead {
  std::string method;  ///< as sent, e.g. "GET"
  std::string target;  ///< as sent: path and query, or an absolute form
  HttpFields fields;
  int version = 11;  ///< 10 or 11
  bool keep_alive = true;
  bool websocket_upgrade = false;  ///< asks for `Upgrade: websocket`, well-formed or not
  bool expects_continue = false;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
};

struct HttpResponseHead {
  int status = 0;
  HttpFields fields;
  bool keep_alive = true;
};

/// In ASCII; other bytes compare as they are.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Whether the connection stays after a message of that version (10 or 11) with these fields: `close` wins
/// over all, HTTP/1.1 stays by default, HTTP/1.0 only with `keep-alive` (RFC 9112, 9.3).
[[nodiscard]] bool keeps_alive(int version, HttpFields const& fields);

}  // namespace reachback::wire
