#pragma once

#include <cstddef>
#include <string_view>

#include "net/http_session.hpp"
#include "net/websocket_connection.hpp"

namespace reachback::test {

/// Takes every WebSocket, whatever its path, and sends each message back; any other request is refused.
class EchoHandler final : public net::HttpHandler {
 public:
  /// The longest message it takes.
  static constexpr std::size_t message_limit = 64 << 20;

  [[nodiscard]] net::Task<> handle(net::HttpSession& session) override;
  [[nodiscard]] net::HttpResponse refuse(proto::Problem problem, std::string_view detail) override;
};

}  // namespace reachback::test
