#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reachback::wire {

/// A view of one field.
struct HttpField {
  std::string_view name;
  std::string_view value;
};

/// Fields in the order in which they came, in one block of memory. Names compare without regard to letter
/// case. Views hold until the next change.
class HttpFields {
 public:
  void add(std::string_view name, std::string_view value);
  /// The first field of that name; empty when there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::size_t count(std::string_view name) const;
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  /// Whether a comma-separated list under that name, on one line or several, contains the token, in any
  /// letter case.
  [[nodiscard]] bool lists(std::string_view name, std::string_view token) const;
  [[nodiscard]] std::size_t size() const { return places_.size(); }
  [[nodiscard]] HttpField operator[](std::size_t index) const;
  /// Room for so many fields of so many bytes together.
  void reserve(std::size_t count, std::size_t bytes);

 private:
  struct Place {
    std::size_t at, name_size, value_size;
  };

  /// Calls `visit` with the values of that name until it returns true; whether it did.
  template <class Visit>
  bool any_of(std::string_view name, Visit visit) const;

  std::string text_;
  std::vector<Place> places_;
};

struct HttpRequestHead {
  std::string method;  ///< as sent, e.g. "GET"
  std::string target;  ///< as sent: path and query, or an absolute form
  HttpFields fields;   ///< with an absolute form Host is that one's, whatever was sent (RFC 9112, 3.2.2)
  int version = 11;    ///< 10 or 11
  bool keep_alive = true;
  bool websocket_upgrade = false;  ///< asks for `Upgrade: websocket`, well-formed or not
  bool names_host = true;  ///< exactly one proper Host was sent; HTTP/1.0 may have none (RFC 9112, 3.2)
  bool expects_continue = false;
  bool expects_other = false;  ///< what nobody here knows (RFC 9110, 10.1.1)
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
