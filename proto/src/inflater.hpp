#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <zlib.h>

namespace reachback::proto {

/// zlib's inflate, which ends itself.
class Inflater {
 public:
  enum class Result : std::uint8_t { more, end, corrupt };

  Inflater() { started_ = inflateInit(&stream_) == Z_OK; }
  ~Inflater() { inflateEnd(&stream_); }
  // zlib's state points back at its stream, which therefore stays where it is.
  Inflater(Inflater const&) = delete;
  Inflater& operator=(Inflater const&) = delete;

  /// `bytes` stay where they are until `hungry()`.
  void feed(std::string_view bytes) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
  }
  [[nodiscard]] bool hungry() const { return stream_.avail_in == 0; }

  /// Appends up to `limit` bytes to `out`.
  Result append(std::string& out, std::size_t limit) {
    if (!started_) return Result::corrupt;
    std::size_t const before = out.size();
    out.resize(before + limit);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_.avail_out = static_cast<uInt>(limit);
    int const code = inflate(&stream_, Z_NO_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    if (code == Z_STREAM_END) return Result::end;
    // Z_BUF_ERROR: it needs more input, and that is no fault yet.
    return code == Z_OK || code == Z_BUF_ERROR ? Result::more : Result::corrupt;
  }

 private:
  z_stream stream_ = {};
  bool started_ = false;
};

}  // namespace reachback::proto
