#include "bench/load/crowd.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/load/peer.hpp"

namespace reachback::bench {
namespace {

/// Joining at once: the listener's backlog may be small.
constexpr std::size_t at_once = 100;
constexpr std::chrono::seconds patience{30};

}  // namespace

void turn_until(Loop& loop, std::function<bool()> const& done, std::string_view sentence) {
  auto const began = std::chrono::steady_clock::now();
  while (!done()) {
    if (std::chrono::steady_clock::now() - began > patience) throw std::runtime_error(std::string(sentence));
    loop.turn(10);
  }
}

class Crowd::Member final : public Peer {
 public:
  Member(Loop& loop, Options const& options, std::string_view endpoint, Crowd& crowd)
      : Peer(loop, options, endpoint), crowd_(crowd) {}

 protected:
  void on_message(std::string_view text) override {
    if (!crowd_.taken_) throw std::runtime_error("a message that nobody has sent");
    crowd_.taken_(text);
  }

 private:
  Crowd& crowd_;
};

Crowd::Crowd(Loop& loop, Options const& options, std::string_view endpoint, std::size_t size) {
  for (std::size_t left = size; left > 0;) {
    std::vector<Member*> joining;
    for (std::size_t i = 0; i < std::min(left, at_once); ++i) {
      auto member = std::make_unique<Member>(loop, options, endpoint, *this);
      joining.push_back(member.get());
      loop.adopt(std::move(member));
    }
    turn_until(
        loop, [&] { return std::ranges::all_of(joining, [](auto* member) { return member->joined(); }); },
        "a WebSocket does not join");
    left -= joining.size();
  }
}

}  // namespace reachback::bench
