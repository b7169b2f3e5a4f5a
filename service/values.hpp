#pragma once

#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "reachback/config.hpp"

namespace reachback::service {

/// What is wrong with the text of a setting, to follow its name: "is no number".
class Complaint {
 public:
  Complaint() = default;
  // No constructor from a text: a result whose value is a text could not tell the two apart.
  [[nodiscard]] static Complaint of(std::string text) {
    Complaint complaint;
    complaint.text_ = std::move(text);
    return complaint;
  }
  [[nodiscard]] std::string const& text() const { return text_; }

 private:
  std::string text_;
};

template <class T>
using Read = boost::system::result<T, Complaint>;

/// A decimal number from `least` to `most`.
[[nodiscard]] Read<std::uint64_t> read_number(std::string_view text, std::uint64_t least, std::uint64_t most);
/// A number of bytes from `least` up: "1048576", "1024KiB", "1 MiB"; also GiB and B.
[[nodiscard]] Read<std::uint64_t> read_bytes(std::string_view text, std::uint64_t least);
/// Seconds with an optional fraction, from `least` to `most`, in whole milliseconds: "2.5"; also "2.5 s" and
/// the units ms, min and h.
[[nodiscard]] Read<Config::Duration> read_seconds(std::string_view text, Config::Duration least,
                                                  Config::Duration most);
/// NAME=KIND[:REASON]; a reason only for the kind `reject`.
[[nodiscard]] Read<EndpointConfig> read_endpoint(std::string_view text);
[[nodiscard]] Read<LogLevel> read_level(std::string_view text);
/// What can stand in an Authorization header. The complaint never repeats the token.
[[nodiscard]] Read<std::string> read_token(std::string_view text);
/// true, false, 1 or 0.
[[nodiscard]] Read<bool> read_toggle(std::string_view text);
/// Any text but none.
[[nodiscard]] Read<std::string> read_text(std::string_view text);
/// NAME:SHA256:SCOPE[,SCOPE...]
[[nodiscard]] Read<TokenConfig> read_token_hash(std::string_view text);
/// NAME:sha256=HEX:scopes=SCOPE[,SCOPE...] or NAME:subject=DN:scopes=SCOPE[,SCOPE...]
[[nodiscard]] Read<ClientCertificateConfig> read_certificate(std::string_view text);
/// At least 32 bytes. The complaint never repeats the key.
[[nodiscard]] Read<std::string> read_cookie_key(std::string_view text);
/// An address or a network: "::1", "10.0.0.0/8".
[[nodiscard]] Read<std::string> read_proxy(std::string_view text);
/// SCHEME://HOST[:PORT] of http or https, without a path.
[[nodiscard]] Read<std::string> read_origin(std::string_view text);

/// "16 MiB", "100000 B": in the largest unit that divides it.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
/// "2 s", "0.25 s".
[[nodiscard]] std::string seconds_text(Config::Duration duration);

}  // namespace reachback::service
