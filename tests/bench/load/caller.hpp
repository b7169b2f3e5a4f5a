#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/io/stream.hpp"
#include "bench/load/options.hpp"

namespace reachback::bench {

/// The head and body of a POST with the run's credential.
[[nodiscard]] std::string post(Options const& options, std::string_view path, std::string_view type,
                               std::string_view accept, std::string_view body);

/// What is sent as Accept for it.
[[nodiscard]] std::string_view accept_of(Form form);

/// A connection that asks over HTTP, one request after the other. Whatever is wrong throws
/// std::runtime_error.
class Caller : public Stream {
 public:
  using Stream::Stream;

 protected:
  /// Bytes of the body of a 200, as they come.
  virtual void on_body(std::string_view bytes) = 0;
  virtual void on_answered() = 0;

  std::size_t on_input(std::span<char> bytes) final;
  void on_closed() final;

 private:
  enum class Expected : std::uint8_t { head, body, chunk_head, chunk, chunk_end };
  /// Each returns how many bytes it has understood; 0: more are needed.
  std::size_t take(std::string_view bytes);
  std::size_t take_head(std::string_view bytes);
  std::size_t take_body(std::string_view bytes);
  std::size_t take_chunk_head(std::string_view bytes);
  std::size_t take_chunk_end(std::string_view bytes);

  Expected expected_ = Expected::head;
  std::size_t left_ = 0;  ///< of the body or the chunk
  bool last_chunk_ = false;
};

}  // namespace reachback::bench
