#include "client/answering.hpp"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include "reachback/proto/part_cutter.hpp"

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

void send_parts(proto::RequestEcho const& echo, ServiceAnswer& answer, AnswerLine& line) {
  proto::PayloadHead head;
  head.serialization = answer.encoding == ServiceAnswer::Encoding::json ? proto::DataSerialization::json
                                                                        : proto::DataSerialization::bytes;
  head.file_size = answer.payload->size();
  head.file_hash = answer.payload->hash();
  auto const parts = proto::number_of_parts(head.file_size);
  std::uint64_t left = head.file_size;
  for (std::uint32_t part = 1; part <= parts; ++part) {
    auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(left, proto::part_size));
    // Before the part is read, so that its bytes count while it is being made.
    if (line.wait_for_room(message_size(echo, size)) == Verdict::gone) return;
    line.send(proto::cut_part(echo, head, part, read_part(*answer.payload, size)));
    left -= size;
  }
}

}  // namespace

void answer_request(std::string_view request, ServiceFunction const& function, AnswerLine& line) {
  auto const echo = proto::echo_of_request(request);
  if (!echo) return line.ignored(echo.error());
  auto answer = call(function, request);
  if (!answer.payload) return send_error(*echo, answer.error, answer.status, line);
  try {
    send_parts(*echo, answer, line);
  } catch (std::exception const& error) {
    send_error(*echo, error.what(), 500, line);
  }
}

}  // namespace reachback::client
