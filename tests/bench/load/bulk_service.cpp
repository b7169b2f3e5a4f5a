#include "bench/load/bulk_service.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include "bench/io/sockets.hpp"

namespace reachback::bench {
namespace {

constexpr std::string_view subprotocol = "reachback.v1";
/// Of the subprotocol: what may be sent before the first credit.
constexpr std::size_t unasked = 2;
constexpr std::chrono::seconds ping_interval{1};
constexpr double mib = 1 << 20;

std::size_t number_behind(std::string_view text, std::string_view key) {
  std::size_t number = 0;
  auto const at = text.find(key);
  if (at == std::string_view::npos) throw std::runtime_error("no number in " + std::string(text));
  std::from_chars(text.data() + at + key.size(), text.data() + text.size(), number);
  return number;
}

}  // namespace

BulkService::BulkService(Loop& loop, Options const& options, BulkAnswer const& answer)
    : Service(loop, options, "wsData", options.credits ? subprotocol : std::string_view()),
      answer_(answer),
      credits_(options.credits) {
  // On its way the payload is base64.
  if (options.send_mib > 0) limit_rate(descriptor(), options.send_mib * mib * 4 / 3);
}

Clock::time_point BulkService::step() {
  auto const now = Clock::now();
  if (now >= next_ping_) {
    send(Opcode::ping, std::to_string(pings_.size()));
    pings_.push_back({next_ping_, std::nullopt});
    next_ping_ += ping_interval;
  }
  // Not all at once: a small answer, or a ping, waits for one part at most, as with a service that sends in a
  // thread.
  if (part_is_due() && all_sent()) {
    send(part_head(call_id_, nonce_, answer_.keys(sent_)), answer_.tail(sent_));
    if (++sent_ == answer_.parts()) call_id_.clear();
  }
  return next_ping_;
}

bool BulkService::part_is_due() const { return !call_id_.empty() && sent_ < allowed_; }

void BulkService::on_message(std::string_view text) {
  if (text.find(R"("cmd":"credit")") != std::string_view::npos) return take_credit(text);
  if (text.find(R"("cmd":"cancel")") != std::string_view::npos) {
    throw std::runtime_error("the call was cancelled after " + std::to_string(sent_) + " parts");
  }
  Service::on_message(text);
}

void BulkService::take_credit(std::string_view text) {
  auto const call = std::to_string(number_behind(text, R"("callId":)"));
  // One for a part behind the last is nothing to complain of: the gateway need not know which is the last.
  if (call == call_id_) allowed_ += number_behind(text, R"("parts":)");
}

void BulkService::on_pong(std::string_view payload) {
  std::size_t index = pings_.size();
  std::from_chars(payload.data(), payload.data() + payload.size(), index);
  if (index >= pings_.size()) throw std::runtime_error("a pong to no ping");
  pings_[index].answered = Clock::now();
}

void BulkService::answer_in_parts(std::string_view call_id, std::string_view nonce) {
  if (!call_id_.empty()) throw std::runtime_error("a second bulk call");
  call_id_ = call_id;
  nonce_ = nonce;
  sent_ = 0;
  allowed_ = credits_ ? unasked : answer_.parts();
}

}  // namespace reachback::bench
