#include "client/request_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <optional>
#include <utility>

#include "client/answer_pace.hpp"
#include "client/answering.hpp"
#include "reachback/proto/json_scanner.hpp"
#include "reachback/proto/part_cutter.hpp"

namespace reachback::client {
namespace {

/// The call of a request. A gateway that speaks `reachback.v1` lets `callId` stand before the caller's
/// members; reading all of a big request is the workers' job.
std::optional<proto::CallId> call_id_in_head(std::string_view request) {
  constexpr std::size_t head_size = 1024;
  proto::ObjectScanner scanner;
  scanner.grow(request.substr(0, head_size));
  while (auto const member = scanner.next()) {
    if (!proto::key_equals(member->key, "callId")) continue;
    auto const number = member->value.integer();
    if (number && *number >= 0) return proto::CallId(static_cast<std::uint64_t>(*number));
  }
  return std::nullopt;
}

}  // namespace

/// One request in hand.
struct RequestPool::Work {
  Work(RequestPool& pool, core::Buffer message, core::Permit share)
      : from(pool.connection_->id()),
        request(std::move(message)),
        permit(std::move(share)),
        answering(std::in_place, request.view(), pool.function_) {}

  proto::ConnectionId const from;
  proto::CallId call_id{};  ///< on a paced connection
  std::atomic<bool> abandoned = false;

  // For the worker that has it, one at a time.
  core::Buffer request;
  core::Permit permit;
  std::optional<Answering> answering;

  // For the shard.
  AnswerPace pace;
};

/// A share of the window. It travels with the part that it was granted for and comes back to the shard when
/// it dies, on whatever thread: the worker gave up, or the connection's outbox let go of the part.
class RequestPool::Share {
 public:
  Share() = default;
  Share(RequestPool& pool, std::size_t bytes) : pool_(&pool), bytes_(bytes) {}
  Share(Share&& other) noexcept : pool_(std::exchange(other.pool_, nullptr)), bytes_(other.bytes_) {}
  Share& operator=(Share&& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Share() {
    // Never at once: the outbox that lets go of it is in the middle of its own work.
    if (pool_ != nullptr)
      pool_->shard_.post([pool = pool_, bytes = bytes_] { pool->window_.give_back(bytes); });
  }

 private:
  RequestPool* pool_ = nullptr;
  std::size_t bytes_ = 0;
};

/// The way from one worker to the shard.
class RequestPool::Line final : public AnswerLine {
 public:
  Line(RequestPool& pool, SharedWork const& work) : pool_(pool), work_(work) {}

  Verdict wait_for_room(std::size_t bytes) override {
    // Given back first: whoever waits while he holds some could wait for himself.
    share_ = Share();
    // Owned by this thread and by the reply: set_value may still be at work when the waiter is already on his
    // way.
    auto const promise = std::make_shared<std::promise<Verdict>>();
    auto verdict = promise->get_future();
    pool_.shard_.post([&pool = pool_, work = work_, bytes, promise] {
      pool.ask(*work, bytes, [promise](Verdict dealt) { promise->set_value(dealt); });
    });
    if (verdict.get() == Verdict::gone) return Verdict::gone;
    share_ = Share(pool_, bytes);
    return Verdict::granted;
  }

  void send(std::string message) override {
    pool_.shard_.post(
        [&pool = pool_, work = work_, message = std::move(message), share = std::move(share_)]() mutable {
          pool.send(*work, std::move(message), std::move(share));
        });
  }

  void ignored(std::string_view why) override {
    pool_.log_(LogLevel::warning, fmt::format("a message from the gateway is ignored: {}", why));
  }

 private:
  RequestPool& pool_;
  SharedWork const& work_;
  Share share_;
};

RequestPool::RequestPool(async::Shard& shard, ServiceFunction function, PoolLimits const& limits, Log log)
    : shard_(shard),
      function_(std::move(function)),
      log_(std::move(log)),
      most_in_hand_(std::max(limits.workers, 1u) + limits.waiting_requests),
      request_bytes_(limits.request_bytes),
      window_(limits.answer_bytes),
      idle_(shard.strand()),
      workers_(std::max(limits.workers, 1u)) {}

void RequestPool::leave() {
  connection_ = nullptr;
  window_.turn_away();
  for (auto const& [id, work] : paced_) abandon(*work);
}

void RequestPool::take(core::Buffer request) {
  if (connection_ == nullptr) return;
  auto permit = request_bytes_.acquire(request.size());
  if (in_hand_ == most_in_hand_ || (!permit && in_hand_ != 0)) return refuse(request.view());
  ++in_hand_;
  auto work = std::make_shared<Work>(*this, std::move(request), permit ? std::move(*permit) : core::Permit());
  if (pacing_ == core::Pacing::credits) {
    // Without a callId it is no request; the worker will say so.
    work->call_id = call_id_in_head(work->request.view()).value_or(proto::CallId{});
    paced_.emplace(work->call_id, work);
  }
  give_to_worker(std::move(work), AnswerPace::unasked(pacing_));
}

void RequestPool::give_to_worker(SharedWork work, std::uint32_t parts) {
  boost::asio::post(workers_,
                    [this, work = std::move(work), parts]() mutable { go_on(std::move(work), parts); });
}

// On a worker. What it posts last is the last word of this request, or of this step.
void RequestPool::go_on(SharedWork work, std::uint32_t parts) {
  Line line(*this, work);
  bool const over = work->abandoned || work->answering->go_on(line, parts) == Progress::finished;
  if (over) {
    work->answering.reset();
    work->permit = {};
    shard_.post([this, work = std::move(work)] { finished(work); });
  } else {
    // An answer that waits for its caller holds no memory that other requests need.
    work->request = core::Buffer();
    work->permit = {};
    shard_.post([this, work = std::move(work)] {
      // Also who is turned away goes back to a worker: what belongs to the service's function dies there.
      work->pace.ask([this, work](std::uint32_t allowed) { give_to_worker(work, allowed); });
    });
  }
}

void RequestPool::credit(proto::CallId answer, std::uint32_t parts) {
  auto const found = paced_.find(answer);
  if (found != paced_.end()) found->second->pace.credit(parts);
}

void RequestPool::cancel(proto::CallId answer) {
  auto const [first, last] = paced_.equal_range(answer);
  for (auto of_answer = first; of_answer != last; ++of_answer) abandon(*of_answer->second);
  window_.turn_away(answer);
}

void RequestPool::abandon(Work& work) {
  work.abandoned = true;
  work.pace.cancel();
}

bool RequestPool::is_wanted(Work const& work) const {
  return !work.abandoned && connection_ != nullptr && connection_->id() == work.from;
}

void RequestPool::refuse(std::string_view request) {
  auto const echo = proto::echo_of_request(request);
  if (!echo)
    return log_(LogLevel::warning, fmt::format("a message from the gateway is ignored: {}", echo.error()));
  core::OutMessage answer;
  answer.body = core::Buffer(proto::error_answer(*echo, "the service has too many requests waiting", 503));
  // When not even this fits, the gateway does not read, and the connection's own deadline will end it.
  if (connection_->send(std::move(answer)) == core::MessageNumber::none) {
    log_(LogLevel::warning, "a request is left without an answer: too much waits to be sent");
  }
}

void RequestPool::ask(Work const& work, std::size_t bytes, RoomWindow::Reply reply) {
  if (!is_wanted(work)) return reply(Verdict::gone);
  window_.ask(work.call_id, bytes, std::move(reply));
}

void RequestPool::send(Work const& work, std::string message, Share share) {
  if (!is_wanted(work)) return;
  struct Part {
    std::string const text;
    Share const share;
  };
  // Owned by the outbox alone; shared only because that is the form in which it takes foreign bytes.
  auto part = std::make_shared<Part>(std::move(message), std::move(share));
  core::OutMessage out;
  std::string_view const text = part->text;
  out.body = core::SharedBytes{std::move(part), text};
  if (connection_->send(std::move(out)) == core::MessageNumber::none) {
    log_(LogLevel::warning, "a part is dropped: too much waits to be sent");
  }
}

void RequestPool::finished(SharedWork const& work) {
  auto const [first, last] = paced_.equal_range(work->call_id);
  auto const found = std::find_if(first, last, [&](auto const& entry) { return entry.second == work; });
  if (found != last) paced_.erase(found);
  if (--in_hand_ == 0) idle_.notify();
}

async::Task<> RequestPool::drain() {
  while (in_hand_ != 0) co_await idle_.wait();
}

}  // namespace reachback::client
