#include "bench/relay/caller_side.hpp"

#include <array>
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "bench/io/frames.hpp"
#include "bench/relay/service_side.hpp"
#include "bench/relay/subscriber_side.hpp"
#include "bench/relay/top_level.hpp"

namespace reachback::bench {
namespace {

class Digits {
 public:
  explicit Digits(std::size_t number, int base = 10)
      : end_(std::to_chars(text_.data(), text_.data() + text_.size(), number, base).ptr) {}
  [[nodiscard]] std::string_view view() const {
    return {text_.data(), static_cast<std::size_t>(end_ - text_.data())};
  }

 private:
  std::array<char, 20> text_{};
  char* end_;
};

}  // namespace

std::size_t CallerSide::on_input(std::span<char> bytes) {
  std::string_view const text{bytes.data(), bytes.size()};
  auto const request = read_http_request(text);
  if (!request || text.size() < request->head + request->body) return 0;
  serve(*request, text.substr(request->head, request->body));
  return request->head + request->body;
}

void CallerSide::serve(HttpRequest const& request, std::string_view body) {
  switch (request.wanted) {
    case Wanted::call:
      return call(request, body);
    case Wanted::message: {
      std::string const text = R"({"delivered":)" + std::to_string(exchange_.broadcast(body)) + "}";
      return answer_whole(text, nullptr);
    }
    case Wanted::service:
    case Wanted::subscriber:
      return upgrade(request);
    case Wanted::nothing:
      output().append("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  }
}

void CallerSide::call(HttpRequest const& request, std::string_view body) {
  auto* const service = exchange_.service();
  if (service == nullptr || body.empty()) {
    output().append("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    return;
  }
  call_ = exchange_.begin_call(*this, descriptor());
  as_lines_ = request.as_lines;
  lines_ = 0;
  service->ask(call_, body);
}

void CallerSide::upgrade(HttpRequest const& request) {
  std::string const accepted =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Accept: " +
      accept_key(request.websocket_key) + "\r\n\r\n";
  auto& turns = loop();
  auto& exchange = exchange_;
  int const socket = release();
  std::unique_ptr<Stream> stream;
  if (request.wanted == Wanted::service) {
    stream = std::make_unique<ServiceSide>(turns, socket, exchange);
  } else {
    stream = std::make_unique<SubscriberSide>(turns, socket, exchange);
  }
  stream->output().append(accepted);
  turns.adopt(std::move(stream));
}

void CallerSide::answer(std::string_view text, BlockPtr block) {
  if (as_lines_) {
    answer_line(text, std::move(block));
  } else {
    answer_whole(text, std::move(block));
    end_call();
  }
}

void CallerSide::answer_whole(std::string_view text, BlockPtr block) {
  auto& out = output();
  out.append("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ");
  out.append(Digits(text.size()).view());
  out.append("\r\n\r\n");
  append(text, std::move(block));
}

void CallerSide::answer_line(std::string_view text, BlockPtr block) {
  auto& out = output();
  auto const count = number_at_top(text, R"("numParts":)").value_or(1);
  if (lines_++ == 0) {
    out.append("HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n");
  }
  out.append(Digits(text.size() + 1, 16).view());
  out.append("\r\n");
  append(text, std::move(block));
  out.append("\n\r\n");
  if (lines_ < count) return;
  out.append("0\r\n\r\n");
  end_call();
}

void CallerSide::append(std::string_view text, BlockPtr block) {
  if (block) {
    output().append(std::move(block));
  } else {
    output().append(text);
  }
}

void CallerSide::end_call() { exchange_.end_call(std::exchange(call_, 0)); }

}  // namespace reachback::bench
