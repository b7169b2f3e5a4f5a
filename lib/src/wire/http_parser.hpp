#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "core/buffer.hpp"
#include "wire/http_head.hpp"

namespace reachback::wire {

struct HttpLimits {
  std::size_t head = 16 * 1024;
  std::uint64_t body = 64ull * 1024 * 1024;
};

/// How far a message has been read.
enum class HttpProgress : std::uint8_t { head, body, done, failed };

/// Why a message could not be read.
enum class HttpFault : std::uint8_t {
  none,
  bad_syntax,
  request_line_too_long,
  head_too_large,
  body_too_large,
  cut_off
};

/// HTTP/1.x requests out of bytes, one at a time, by Beast's parser with its checks. No I/O, no time.
///
/// Most callers repeat themselves: a small head that is the same as the one before it, byte for byte, means
/// the same and is not parsed again.
class HttpRequestParser {
 public:
  explicit HttpRequestParser(HttpLimits limits);
  ~HttpRequestParser();
  HttpRequestParser(HttpRequestParser&&) noexcept;
  HttpRequestParser& operator=(HttpRequestParser&&) noexcept;

  /// Reads on in `bytes` and returns how many it took. It stops when the head is complete (once, so that the
  /// caller can decide on the head before any of the body is read) and at the end of the message; what is
  /// behind belongs to the next one. What it leaves (part of a head) must be offered again with more behind
  /// it. An upgrade request ends with its head.
  [[nodiscard]] std::size_t feed(std::string_view bytes);
  [[nodiscard]] HttpProgress progress() const { return progress_; }
  /// Whether it has taken a part of a head that is not complete; an empty line before it is none.
  [[nodiscard]] bool began() const;
  [[nodiscard]] HttpFault fault() const;
  /// Valid once `progress()` is body or done, until `reset`; also after `body_too_large`.
  [[nodiscard]] HttpRequestHead const& head() const;
  /// Rises with each head that is not the one before, byte for byte: what was made of a head holds as long.
  [[nodiscard]] std::uint64_t head_number() const;
  /// The body so far; its owner from now on is the caller. The limit goes on counting what was taken.
  [[nodiscard]] core::Buffer take_body();
  /// The body so far, where it is until the next `feed`.
  [[nodiscard]] std::string_view body() const;
  /// Ready for the next request.
  void reset();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
  HttpProgress progress_ = HttpProgress::head;  ///< of `impl_`: asked for a dozen times per request
};

/// The same for responses, for our own client. Answers to HEAD are not expected. Interim answers (1xx) are
/// passed over, but 101 ends with its head.
class HttpResponseParser {
 public:
  explicit HttpResponseParser(HttpLimits limits);
  ~HttpResponseParser();
  HttpResponseParser(HttpResponseParser&&) noexcept;
  HttpResponseParser& operator=(HttpResponseParser&&) noexcept;

  [[nodiscard]] std::size_t feed(std::string_view bytes);
  /// The peer has ended its side: completes a body that has no length.
  void end_of_stream();
  [[nodiscard]] HttpProgress progress() const;
  [[nodiscard]] HttpFault fault() const;
  [[nodiscard]] HttpResponseHead const& head() const;
  [[nodiscard]] std::string_view body() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reachback::wire
