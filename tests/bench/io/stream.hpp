#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bench/io/loop.hpp"
#include "bench/io/output.hpp"

namespace reachback::bench {

/// A connected socket: reads all that is there, and sends what was given to it once per turn of the loop.
class Stream : public Handler {
 public:
  /// Takes the socket, which the loop watches already or not.
  enum class Watched : std::uint8_t { no, yes };
  Stream(Loop& loop, int socket, Watched watched = Watched::no);
  ~Stream() override;
  Stream(Stream const&) = delete;
  Stream& operator=(Stream const&) = delete;

  void on_ready(std::uint32_t events) final;
  [[nodiscard]] int descriptor() const { return socket_; }
  /// To append to; it is sent at the end of this turn.
  [[nodiscard]] Output& output();
  [[nodiscard]] bool all_sent() const { return output_.empty(); }
  void flush();
  /// Reads what `may_read` did not allow before.
  void read_on() { read(true); }
  /// Ends the stream at the end of this turn; `on_closed` is called now.
  void close();

 protected:
  /// Bytes have come. Returns how many of them were understood; the rest comes again with more behind it.
  /// They may be changed in place as far as they are understood.
  virtual std::size_t on_input(std::span<char> bytes) = 0;
  /// Where the next bytes shall go, when it is known that they belong together; empty: nowhere special.
  virtual std::span<char> direct() { return {}; }
  /// So many bytes have come to where `direct` said.
  virtual void on_direct(std::size_t) {}
  virtual void on_closed() {}
  /// Asked before each piece that is read; after a no `read_on` has to be called.
  [[nodiscard]] virtual bool may_read() const { return true; }

  /// Gives the socket to another stream; this one lives until the end of the turn in which that is adopted.
  [[nodiscard]] int release();
  [[nodiscard]] Loop& loop() { return loop_; }

 private:
  void read(bool to_end);
  void take_in(std::span<char> bytes);

  Loop& loop_;
  int socket_;
  bool open_ = true;
  bool owned_ = true;
  bool dirty_ = false;
  std::string rest_;  ///< what was not understood yet
  Output output_;
};

}  // namespace reachback::bench
