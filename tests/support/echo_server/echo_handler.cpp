#include "support/echo_server/echo_handler.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace reachback::test {
namespace {

/// Sends back what comes.
class Echo final : public net::ConnectionSink {
 public:
  void on_message(net::WebSocketConnection& connection, core::MessageKind kind,
                  core::Buffer message) override {
    core::OutMessage echo;
    echo.kind = kind;
    echo.body = std::move(message);
    if (connection.send(std::move(echo)) == core::MessageNumber::none) {
      return connection.close(proto::CloseCode::slow_consumer, "echoes are not read");
    }
    // A violation may stand right behind the message, and nothing that is still queued goes out after one.
    connection.flush();
  }
  void on_leave(net::WebSocketConnection&) override {}
};

/// A connection that was flushed out of its turn may still stand in the shard's list.
class OffTheList {
 public:
  OffTheList(net::WebSocketConnection& connection, async::Shard& shard)
      : connection_(connection), shard_(shard) {}
  ~OffTheList() { shard_.forget(connection_); }
  OffTheList(OffTheList const&) = delete;
  OffTheList& operator=(OffTheList const&) = delete;

 private:
  net::WebSocketConnection& connection_;
  async::Shard& shard_;
};

net::ConnectionSettings echo_settings() {
  net::ConnectionSettings settings;
  settings.outbox_limit = 2 * EchoHandler::message_limit;
  // A suite counts each frame that it did not ask for as a fault.
  settings.ping_interval = std::chrono::hours(1);
  settings.silence_timeout = std::chrono::hours(2);
  return settings;
}

net::HttpResponse plain_text(int status, std::string_view text) {
  net::HttpResponse response;
  response.status = status;
  response.content_type = "text/plain";
  response.body = std::string(text) + "\n";
  return response;
}

}  // namespace

net::Task<> EchoHandler::handle(net::HttpSession& session) {
  if (!session.head().websocket_upgrade) {
    auto response = plain_text(426, "this server speaks WebSocket only");
    response.fields.add("Upgrade", "websocket");
    co_await session.respond(std::move(response));
    co_return;
  }
  static net::ConnectionSettings const settings = echo_settings();
  wire::HttpRequestHead const request = session.head();
  auto taken = co_await session.take();
  auto& shard = session.shard();
  Echo echo;
  net::WebSocketConnection connection(shard, std::move(taken.stream).attach(shard), proto::ConnectionId{1},
                                      settings, echo);
  OffTheList const off_the_list(connection, shard);
  std::string fault;
  if (!connection.accept(request, message_limit, fault)) co_return;
  co_await connection.run(std::move(taken.input));
}

net::HttpResponse EchoHandler::refuse(proto::Problem, std::string_view detail) {
  return plain_text(400, detail);
}

}  // namespace reachback::test
