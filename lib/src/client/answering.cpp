#include "client/answering.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <utility>

namespace reachback::client {
namespace {

/// A message's keys, beside what is echoed.
constexpr std::size_t message_head = 512;
/// Of an error's text: gateways bound a message's size.
constexpr std::size_t longest_error = 64 * 1024;

ServiceAnswer call(ServiceFunction const& function, std::string_view request) {
  try {
    return function(request);
  } catch (std::exception const& error) {
    return answer_with_error(error.what(), 500);
  } catch (...) {
    return answer_with_error("the service failed with an exception of unknown type", 500);
  }
}

void send_error(proto::RequestEcho const& echo, std::string_view text, int status, AnswerLine& line) {
  auto message = proto::error_answer(echo, text.substr(0, longest_error), status);
  if (line.wait_for_room(message.size()) == Verdict::granted) line.send(std::move(message));
}

/// What a part's message takes at most: base64, of bytes that zlib could not make smaller.
std::size_t message_size(proto::RequestEcho const& echo, std::size_t bytes) {
  return message_head + echo.members.size() + (bytes + bytes / 1000) / 3 * 4;
}

std::string read_part(PayloadSource& payload, std::size_t size) {
  auto bytes = payload.read(size);
  if (bytes.size() != size) throw std::runtime_error("the payload ended before its announced size");
  return bytes;
}

}  // namespace

Progress Answering::go_on(AnswerLine& line, std::uint32_t most_parts) {
  try {
    if (!begun_ && begin(line) == Progress::finished) return Progress::finished;
    return send_parts(line, most_parts);
  } catch (std::exception const& error) {
    send_error(echo_, error.what(), 500, line);
    return Progress::finished;
  }
}

Progress Answering::begin(AnswerLine& line) {
  begun_ = true;
  auto echo = proto::echo_of_request(request_);
  if (!echo) {
    line.ignored(echo.error());
    return Progress::finished;
  }
  echo_ = std::move(*echo);
  answer_ = call(function_, request_);
  if (!answer_.payload) {
    send_error(echo_, answer_.error, answer_.status, line);
    return Progress::finished;
  }
  head_.serialization = answer_.encoding == ServiceAnswer::Encoding::json ? proto::DataSerialization::json
                                                                          : proto::DataSerialization::bytes;
  head_.file_size = answer_.payload->size();
  head_.file_hash = answer_.payload->hash();
  return Progress::unfinished;
}

Progress Answering::send_parts(AnswerLine& line, std::uint32_t most_parts) {
  auto const parts = proto::number_of_parts(head_.file_size);
  for (; sent_parts_ < parts && most_parts != 0; --most_parts) {
    std::uint64_t const left = head_.file_size - std::uint64_t{sent_parts_} * proto::part_size;
    auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(left, proto::part_size));
    // Before the part is read, so that its bytes count while it is being made.
    if (line.wait_for_room(message_size(echo_, size)) == Verdict::gone) return Progress::finished;
    line.send(proto::cut_part(echo_, head_, ++sent_parts_, read_part(*answer_.payload, size)));
  }
  return sent_parts_ == parts ? Progress::finished : Progress::unfinished;
}

}  // namespace reachback::client
