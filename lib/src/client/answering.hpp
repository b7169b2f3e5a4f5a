#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client/credit_window.hpp"
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

/// Answers one request: calls `function`, cuts what it returns into parts of 10 MiB, and sends each before
/// the next one is made. Whatever goes wrong on the way, before or after the first part, becomes an error
/// answer.
void answer_request(std::string_view request, ServiceFunction const& function, AnswerLine& line);

}  // namespace reachback::client
