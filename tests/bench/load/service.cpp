#include "bench/load/service.hpp"

#include <stdexcept>
#include <string>

namespace reachback::bench {
namespace {

/// What stands between two marks; throws when it is not there.
std::string_view between(std::string_view text, std::string_view begin, char end) {
  auto at = text.find(begin);
  if (at != std::string_view::npos) {
    at += begin.size();
    auto const stop = text.find(end, at);
    if (stop != std::string_view::npos) return text.substr(at, stop - at);
  }
  throw std::runtime_error("a request that we did not send: " + std::string(text.substr(0, 512)));
}

}  // namespace

std::string request_head(std::string_view attribute) {
  std::string text = R"({"cmd":"rpc","class":"Bench","attribute":")";
  text.append(attribute).append(R"(","args":[")");
  return text;
}

std::string request_text(std::string_view attribute, std::string_view nonce) {
  return request_head(attribute).append(nonce).append(R"("],"kwargs":{}})");
}

void Service::on_message(std::string_view text) {
  constexpr std::string_view id_key = R"("callId":)", digits = "0123456789";
  auto const id_at = text.find(id_key);
  if (id_at == std::string_view::npos) throw std::runtime_error("a request without callId");
  auto const id = text.substr(id_at + id_key.size());
  auto const call_id = id.substr(0, id.find_first_not_of(digits));
  auto const nonce = between(text, R"("args":[")", '"');
  switch (between(text, R"("attribute":")", '"').front()) {
    case echo.front():
      return answer(call_id, nonce);
    case parts.front():
      return answer_in_parts(call_id, nonce);
    default:
      ++held_;
  }
}

void Service::answer(std::string_view call_id, std::string_view nonce) {
  auto const size = std::to_string(nonce.size() / 4 * 3);
  answer_ = R"({"cmd":"rpc","class":"Bench","attribute":"echo","callId":)";
  answer_.append(call_id).append(
      R"(,"status":200,"dataSerialization":"bytes","numParts":1,"partId":1,"dataSize":)");
  answer_.append(size)
      .append(R"(,"fileSize":)")
      .append(size)
      .append(R"(,"data":")")
      .append(nonce)
      .append("\"}");
  reply(answer_);
}

void Service::answer_in_parts(std::string_view call_id, std::string_view nonce) {
  for (auto const& part : large_[choose(nonce, large_.size())].parts()) {
    send(part_head(call_id, nonce, part.keys), part.masked);
  }
}

std::string Service::part_head(std::string_view call_id, std::string_view nonce, std::string_view keys) {
  std::string text = R"({"cmd":"rpc","callId":)";
  return text.append(call_id).append(R"(,"nonce":")").append(nonce).append("\",").append(keys);
}

}  // namespace reachback::bench
