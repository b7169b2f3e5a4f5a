#pragma once

#include <string>
#include <string_view>

#include "bench/load/service.hpp"

namespace reachback::bench {

/// A service that speaks socket.io (Engine.IO 4 and Socket.IO 5, over WebSocket from the beginning): what a
/// gateway with that library asks it, in the namespace /wsData as the event `request`, it answers as the
/// event `answer`.
class SocketIoService final : public Service {
 public:
  SocketIoService(Loop& loop, Options const& options);

  [[nodiscard]] bool joined() const override { return ready_; }

 protected:
  void on_message(std::string_view text) override;
  void reply(std::string_view message) override;

 private:
  bool ready_ = false;
  std::string packet_;
};

}  // namespace reachback::bench
