#pragma once

#include <array>
#include <boost/system/result.hpp>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "async/shard.hpp"
#include "async/signal.hpp"
#include "core/bound.hpp"
#include "core/budget.hpp"
#include "core/buffer.hpp"
#include "net/field_lines.hpp"
#include "net/stream.hpp"
#include "reachback/proto/problem.hpp"
#include "wire/http_parser.hpp"

namespace reachback::net {

struct HttpSettings {
  wire::HttpLimits limits;
  core::Duration head_timeout = std::chrono::seconds(10);
  core::Duration body_timeout = std::chrono::seconds(30);   ///< without progress
  core::Duration write_timeout = std::chrono::seconds(30);  ///< without progress
  core::Duration idle_timeout = std::chrono::seconds(75);
  core::Duration linger = std::chrono::seconds(2);  ///< for a caller that still sends what nobody reads
  std::size_t read_ahead = 64 * 1024;               ///< input kept while a request is being answered
  core::Budget* body_budget = nullptr;              ///< of all bodies being received; null: none
  core::Refusals* refusals = nullptr;               ///< of the sessions' shard; null: nobody counts
};

struct HttpResponse {
  int status = 200;
  std::string_view content_type;  ///< a constant; left out when empty
  FieldLines fields;
  std::string body;
};

/// Why a body could not be had.
struct BodyFault {
  proto::Problem problem = proto::Problem::bad_request;
  std::string detail;
};

class HttpSession;

/// Answers the requests of one session, one at a time. On the session's shard.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Answers the request whose head the session has read. Returns when the answer is written, left
  /// to the session or given up.
  [[nodiscard]] virtual Task<> handle(HttpSession& session) = 0;
  /// `handle` has thrown. What this throws ends the session, and its `run` throws it.
  [[nodiscard]] virtual Task<> failed(HttpSession&, std::exception_ptr mistake) {
    std::rethrow_exception(std::move(mistake));
  }
  /// The answer to what is no request, or came too slowly.
  [[nodiscard]] virtual HttpResponse refuse(proto::Problem problem, std::string_view detail) = 0;
  /// The connection ends, since TLS did not come about.
  virtual void handshake_failed(HttpSession&, error_code) {}
};

/// One HTTP/1.x conversation: reads requests with limits and deadlines, lets the handler answer each, and
/// notices when the caller hangs up meanwhile. `run` is its life. Answers are awaited, so that writing goes
/// at the caller's pace; small ones may also be left to the session, which writes them before it reads on.
class HttpSession final : private async::Flushable {
 public:
  /// A stream that has been made secure, and has not shaken hands, does so within the time of a head.
  HttpSession(async::Shard& shard, Stream stream, HttpSettings const& settings, core::Permit permit,
              std::unique_ptr<HttpHandler> handler);
  ~HttpSession();

  /// Serves until the caller leaves, an idle or slow one is given up, or the socket is taken for an upgrade.
  [[nodiscard]] Task<> run();
  /// The answer under way, or to the next request that has begun, is the last one; an idle session closes at
  /// once.
  void drain();
  /// Ends it now: a handler learns it as a hang-up.
  void stop();

  // For the handler.

  [[nodiscard]] async::Shard& shard() { return shard_; }
  [[nodiscard]] wire::HttpRequestHead const& head() const { return parser_.head(); }
  /// Rises with each head that is not the one before: what was made of a head holds as long.
  [[nodiscard]] std::uint64_t head_number() const { return parser_.head_number(); }
  [[nodiscard]] std::string const& remote_address() const { return remote_address_; }
  /// Whether it is TLS that the caller speaks with us.
  [[nodiscard]] bool secured() const { return stream_.secured(); }
  /// The caller's certificate, found good when the connection began; null when it has shown none.
  [[nodiscard]] PeerCertificate const* peer_certificate() const {
    return peer_certificate_ ? &*peer_certificate_ : nullptr;
  }

  /// Called before each wait for more of a body, with what has come: what was there before, which may have
  /// moved meanwhile, and little more. The last piece comes with the whole body, as the result.
  using BodyGrowth = std::function<void(std::string_view)>;
  /// The whole body when it came along with the head, as small ones do. Nothing: `read_body` waits for it.
  [[nodiscard]] std::optional<core::Buffer> body_at_hand();
  /// Reads the body, or says why it cannot be had: then the answer closes the session. Its share of the
  /// budget is held until the request is answered or `body_handed_on` is called. `limit` is one below the
  /// session's own. `grew` may be null, and outlives the wait.
  [[nodiscard]] Task<boost::system::result<core::Buffer, BodyFault>> read_body(
      std::size_t limit = SIZE_MAX, BodyGrowth const* grew = nullptr);
  /// The body is accounted for elsewhere from now on.
  void body_handed_on() { body_permit_ = {}; }

  /// The longest body of a small answer.
  static constexpr std::size_t most_soon = 4 * 1024;
  /// Takes a whole small answer, which is written with those of other sessions at the end of the turn of the
  /// loop: the way of nearly all. It is the request's only answer. Whether the caller is gone shows later.
  void respond_soon(HttpResponse const& head, std::string_view body);
  /// Writes a whole answer. False when the caller is gone, as in all that writes.
  Task<bool> respond(HttpResponse response);
  /// The same with a body that outlives the wait.
  Task<bool> respond(HttpResponse const& head, std::string_view body);
  /// Writes the head of an answer whose length is not known; `write` and `finish` follow, or `abort`.
  Task<bool> begin(HttpResponse head);
  Task<bool> write(std::string_view piece, std::string_view tail = {});
  Task<bool> finish();
  /// Breaks the answer off so that the caller sees it.
  void abort();
  /// Whether an answer is being written, or waits to be.
  [[nodiscard]] bool began() const { return began_ || !unsent_.empty(); }

  /// From now on until the request is answered, `hung_up` is called when the caller leaves or the session is
  /// stopped; it is called at once when that has happened.
  void on_hang_up(std::function<void()> hung_up);
  [[nodiscard]] bool hung_up() const { return ended_; }

  /// For an upgrade: the stream without pending operation, the bytes behind the head, and the connection's
  /// permit. The session ends without touching the socket again.
  struct Taken {
    LooseStream stream;
    core::Buffer input;
    core::Permit permit;
    std::string remote_address;
  };
  [[nodiscard]] Task<Taken> take();

 private:
  static constexpr std::size_t body_read_size = 64 * 1024;

  enum class Next : std::uint8_t { request, refuse, end };

  void begin_head();
  [[nodiscard]] bool lacks_head();
  [[nodiscard]] Next end_head();
  [[nodiscard]] Next judge_head();
  [[nodiscard]] Next judge_silence();
  [[nodiscard]] Next refuse(proto::Problem problem, std::string detail);
  [[nodiscard]] Task<> converse();
  [[nodiscard]] Task<> linger();
  [[nodiscard]] Task<bool> more_input();
  [[nodiscard]] bool wants_input();
  [[nodiscard]] bool ends_by_drain();
  void begin_request();
  void end_request();
  [[nodiscard]] Task<> shake_hands();
  [[nodiscard]] Task<> say_end();
  using Pieces = std::array<std::string_view, Stream::most_pieces>;
  [[nodiscard]] Task<bool> send(Pieces pieces);
  [[nodiscard]] std::size_t turn_size() const;
  void flush() override;
  void send_some();
  /// Whether the end of the turn has left something of a small answer.
  [[nodiscard]] bool left_unsent() const { return !unsent_.empty() && !flush_scheduled_; }
  [[nodiscard]] Task<bool> send_rest();
  [[nodiscard]] bool hold_body_budget();
  void feed();
  void watch_input();
  void receive();
  void input_ended();
  void expired();
  void write_expired();
  void count(core::Bound bound);
  void write_head(HttpResponse const& response);
  /// Returns the body, unless it is behind the head already.
  [[nodiscard]] std::string_view write_answer(HttpResponse const& response, std::string_view body);

  async::Shard& shard_;
  Stream stream_;
  HttpSettings const& settings_;
  core::Permit permit_;
  std::unique_ptr<HttpHandler> handler_;
  std::string remote_address_;
  std::optional<PeerCertificate> peer_certificate_;

  wire::HttpRequestParser parser_;
  core::Buffer in_;
  core::Permit body_permit_;
  async::Signal input_;
  async::Deadline deadline_;
  async::Deadline write_deadline_;
  core::Bound write_bound_ = core::Bound::write_timeout;  ///< what it counts as when it passes
  std::function<void()> hung_up_;
  std::pair<proto::Problem, std::string> refusal_{};
  FieldLines head_text_;     ///< of the answer under way, with its body when that is small
  std::string_view unsent_;  ///< of `head_text_`: what is left of a small answer

  bool flush_scheduled_ = false;
  bool watching_ = false;  ///< a wait for input is pending
  bool ended_ = false;     ///< the caller is gone or the session was stopped
  bool expired_ = false;   ///< the deadline for reading has passed
  bool draining_ = false;
  bool reading_head_ = false;
  bool head_begun_ = false;  ///< some of it has come
  bool asked_before_ = false;
  bool keep_alive_ = true;  ///< after the answer under way
  bool began_ = false;
  bool chunked_ = false;
  bool continue_sent_ = false;
  bool taken_ = false;
};

}  // namespace reachback::net
