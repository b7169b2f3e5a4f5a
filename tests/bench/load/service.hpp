#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "bench/load/large_answer.hpp"
#include "bench/load/peer.hpp"

namespace reachback::bench {

/// What a call asks of our service; its first letter tells.
constexpr std::string_view echo = "echo", hold = "hold", parts = "parts";

/// A request with a nonce as its one argument.
[[nodiscard]] std::string request_text(std::string_view attribute, std::string_view nonce);
/// What comes before the nonce in a request.
[[nodiscard]] std::string request_head(std::string_view attribute);

/// A remote service: echoes the nonce of a call, or answers with one of the large answers, whichever the
/// nonce says, or does not answer.
class Service : public Peer {
 public:
  Service(Loop& loop, Options const& options, std::span<LargeAnswer const> large = {})
      : Peer(loop, options, "wsData"), large_(large) {}
  Service(Loop& loop, Options const& options, std::string_view endpoint, std::string_view subprotocol = {})
      : Peer(loop, options, endpoint, subprotocol) {}

  /// Calls that it was asked not to answer.
  [[nodiscard]] std::size_t held() const { return held_; }
  /// Which of so many large answers a nonce asks for.
  [[nodiscard]] static std::size_t choose(std::string_view nonce, std::size_t count) {
    return static_cast<unsigned char>(nonce.front()) % count;
  }

 protected:
  void on_message(std::string_view text) override;
  virtual void answer_in_parts(std::string_view call_id, std::string_view nonce);
  /// Sends an answer.
  virtual void reply(std::string_view message) { send(Opcode::text, message); }
  /// What comes before the data in a part.
  [[nodiscard]] static std::string part_head(std::string_view call_id, std::string_view nonce,
                                             std::string_view keys);

 private:
  void answer(std::string_view call_id, std::string_view nonce);

  std::span<LargeAnswer const> large_;
  std::size_t held_ = 0;
  std::string answer_;
};

}  // namespace reachback::bench
