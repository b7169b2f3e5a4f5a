#include "support/scripted_caller.hpp"

namespace reachback::test {

std::string HttpAnswer::field(std::string_view name) const {
  auto const at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  auto const begin = at + 2 + name.size() + 2;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

void ScriptedCaller::request(std::string_view method, std::string_view target, std::string_view body,
                             std::string_view fields) {
  std::string text(method);
  text.append(" ").append(target).append(" HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer test\r\n");
  text.append(fields);
  if (!body.empty()) text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  text.append("\r\n").append(body);
  send(text);
}

void ScriptedCaller::call(std::string_view message, AskedCall const& asked) {
  std::string target = "/v1/endpoints/";
  target.append(asked.endpoint).append("/requests").append(asked.query);
  std::string fields = "Content-Type: application/json\r\nAccept: ";
  fields.append(asked.accept).append("\r\n");
  request("POST", target, message, fields);
}

HttpAnswer ScriptedCaller::read_head() {
  HttpAnswer answer;
  answer.head = stream_.read_until("\r\n\r\n");
  answer.status = std::stoi(answer.head.substr(answer.head.find(' ') + 1, 3));
  return answer;
}

std::string ScriptedCaller::read_chunk() {
  auto const size = std::stoull(stream_.read_until("\r\n"), nullptr, 16);
  auto chunk = stream_.read(size + 2);
  chunk.resize(size);
  return chunk;
}

HttpAnswer ScriptedCaller::read_answer() {
  HttpAnswer answer = read_head();
  auto const length = answer.field("Content-Length");
  if (!length.empty()) {
    answer.body = stream_.read(std::stoull(length));
    return answer;
  }
  for (auto chunk = read_chunk(); !chunk.empty(); chunk = read_chunk()) answer.body += chunk;
  return answer;
}

HttpAnswer ScriptedCaller::ask(std::string_view message, AskedCall const& asked) {
  call(message, asked);
  return read_answer();
}

HttpAnswer ScriptedCaller::get(std::string_view target) {
  request("GET", target);
  return read_answer();
}

}  // namespace reachback::test
