#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "client/room_window.hpp"
#include "reachback/proto/part_cutter.hpp"
#include "reachback/remote_service.hpp"

namespace reachback::client {

/// Where one request's answer goes, seen from the worker that makes it. Lives as long as that work, on its
/// thread.
class AnswerLine {
 public:
  /// Blocks until `bytes` more may be made. After `gone` the answer is to be abandoned.
  [[nodiscard]] virtual Verdict wait_for_room(std::size_t bytes) = 0;
  /// One message, for which the last `wait_for_room` made room.
  virtual void send(std::string message) = 0;
  /// The message was no request; it is left without an answer.
  virtual void ignored(std::string_view why) = 0;

 protected:
  ~AnswerLine() = default;
};

enum class Progress : std::uint8_t { unfinished, finished };

/// The answer to one request: calls the function, cuts what it returns into parts of 10 MiB, and sends each
/// before the next one is made. Whatever goes wrong on the way, before or after the first part, becomes an
/// error answer. Used by one worker after the other.
class Answering {
 public:
  /// Both outlive it. Nothing is done yet.
  Answering(std::string_view request, ServiceFunction const& function)
      : request_(request), function_(function) {}

  /// Goes on until the answer is finished, or has sent so many more parts.
  [[nodiscard]] Progress go_on(AnswerLine& line, std::uint32_t most_parts);

 private:
  [[nodiscard]] Progress begin(AnswerLine& line);
  [[nodiscard]] Progress send_parts(AnswerLine& line, std::uint32_t most_parts);

  std::string_view const request_;
  ServiceFunction const& function_;
  bool begun_ = false;
  proto::RequestEcho echo_;
  ServiceAnswer answer_;
  proto::PayloadHead head_;
  std::uint32_t sent_parts_ = 0;
};

}  // namespace reachback::client
