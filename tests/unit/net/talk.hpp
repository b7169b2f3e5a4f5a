#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "net/http_session.hpp"
#include "unit/net/tcp_pair.hpp"

namespace reachback::test {

using Answer = std::function<Task<>(net::HttpSession&)>;

/// Answers as the test says; what is no request by a status that shows it.
class ScriptedHandler final : public net::HttpHandler {
 public:
  explicit ScriptedHandler(Answer answer) : answer_(std::move(answer)) {}
  [[nodiscard]] Task<> handle(net::HttpSession& session) override { return answer_(session); }
  [[nodiscard]] net::HttpResponse refuse(proto::Problem problem, std::string_view) override {
    net::HttpResponse response;
    response.status = proto::http_status_of(problem);
    return response;
  }

 private:
  Answer answer_;
};

inline net::HttpResponse response_of(int status, std::string body) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

/// Answers with the request's target and its body.
inline Task<> echo(net::HttpSession& session) {
  auto body = co_await session.read_body();
  int const status = body ? 200 : proto::http_status_of(body.error().problem);
  std::string text = session.head().target;
  if (body) text += " " + std::string(body->view());
  net::HttpResponse response = response_of(status, std::move(text));
  co_await session.respond(std::move(response));
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline int status_of(std::string const& head) {
  return head.size() < 12 || !head.starts_with("HTTP/1.1 ") ? 0 : std::stoi(head.substr(9, 3));
}

inline std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) + "\r\n";
}

inline std::string post(std::string_view target, std::string_view body, std::string_view fields = {}) {
  return "POST " + std::string(target) +
         " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

/// One HTTP session with a caller.
class Talk {
 public:
  Talk(Bench& bench, net::HttpSettings const& settings, Answer answer, core::Permit permit = {})
      : Talk(bench, settings, std::move(answer), std::move(permit), TcpPair(bench.shard)) {}

  Peer peer;
  net::HttpSession session;
  Beside running;

 private:
  Talk(Bench& bench, net::HttpSettings const& settings, Answer answer, core::Permit permit, TcpPair pair)
      : peer(bench.shard, std::move(pair.there), pair.here.native_handle()),
        session(bench.shard, std::move(pair.here), settings, std::move(permit),
                std::make_unique<ScriptedHandler>(std::move(answer))),
        running(bench.shard, session.run()) {}
};

}  // namespace reachback::test
