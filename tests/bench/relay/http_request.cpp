#include "bench/relay/http_request.hpp"

#include <charconv>
#include <cstring>

namespace reachback::bench {
namespace {

Wanted wanted_by(std::string_view line) {
  if (line.starts_with("POST /v1/endpoints/wsData/requests")) return Wanted::call;
  if (line.starts_with("POST /v1/endpoints/wsUser/messages")) return Wanted::message;
  if (line.starts_with("GET /wsData ")) return Wanted::service;
  if (line.starts_with("GET /wsUser ")) return Wanted::subscriber;
  return Wanted::nothing;
}

void read_field(std::string_view line, HttpRequest& request) {
  constexpr std::string_view length = "Content-Length: ", accept = "Accept: ", key = "Sec-WebSocket-Key: ";
  switch (line.front()) {
    case 'C':
      if (line.starts_with(length)) {
        std::from_chars(line.data() + length.size(), line.data() + line.size(), request.body);
      }
      break;
    case 'A':
      if (line.starts_with(accept)) request.as_lines = line.ends_with("x-ndjson");
      break;
    case 'S':
      if (line.starts_with(key)) request.websocket_key = line.substr(key.size());
      break;
    default:
      break;
  }
}

}  // namespace

std::optional<HttpRequest> read_http_request(std::string_view bytes) {
  HttpRequest request;
  std::size_t at = 0;
  while (true) {
    auto const* const end = static_cast<char const*>(std::memchr(bytes.data() + at, '\n', bytes.size() - at));
    if (end == nullptr) return std::nullopt;
    auto const next = static_cast<std::size_t>(end - bytes.data()) + 1;
    auto const line = bytes.substr(at, next - at >= 2 ? next - at - 2 : 0);
    if (line.empty()) {
      request.head = next;
      return request;
    }
    if (at == 0) {
      request.wanted = wanted_by(line);
    } else {
      read_field(line, request);
    }
    at = next;
  }
}

}  // namespace reachback::bench
