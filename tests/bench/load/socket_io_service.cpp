#include "bench/load/socket_io_service.hpp"

#include <stdexcept>

namespace reachback::bench {
namespace {

// A packet is Engine.IO's type, 4 for a message, before Socket.IO's: 0 to connect, 2 for an event.
constexpr char open = '0', ping = '2';
constexpr std::string_view pong = "3", connect = "40/wsData,", event = "42/wsData,",
                           answer_event = R"(["answer",)";

}  // namespace

SocketIoService::SocketIoService(Loop& loop, Options const& options)
    : Service(loop, options, "socket.io/?EIO=4&transport=websocket") {}

void SocketIoService::on_message(std::string_view text) {
  if (text.starts_with(event)) return Service::on_message(text);
  if (text.starts_with(open)) return send(Opcode::text, connect);
  if (text.starts_with(ping)) return send(Opcode::text, pong);
  if (!text.starts_with(connect)) throw std::runtime_error("not of socket.io: " + std::string(text));
  ready_ = true;
}

void SocketIoService::reply(std::string_view message) {
  packet_ = event;
  packet_.append(answer_event).append(message).append("]");
  send(Opcode::text, packet_);
}

}  // namespace reachback::bench
