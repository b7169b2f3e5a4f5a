#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "async/shard.hpp"
#include "async/task_group.hpp"
#include "core/endpoint_state.hpp"
#include "gateway/admission.hpp"
#include "gateway/call_metrics.hpp"
#include "gateway/caller.hpp"
#include "gateway/event_stream.hpp"
#include "net/http_session.hpp"
#include "net/websocket_connection.hpp"
#include "reachback/errors.hpp"
#include "reachback/proto/request.hpp"
#include "reachback/proto/subprotocol.hpp"
#include "reachback/websocket_handler.hpp"
#include "reachback/websocket_state.hpp"

namespace reachback::gateway {

class Core;

/// What a connection may do beside answering: those of a service endpoint may all.
struct ConnectionRights {
  bool receive = true;  ///< what is published
  bool send = true;     ///< else what it sends does not count
};

/// A socket whose upgrade named this endpoint, on its way to the endpoint's shard.
struct Upgrade {
  net::HttpSession::Taken taken;
  wire::HttpRequestHead head;
  std::string user;
  std::string client;                  ///< its address, for lists and logs
  std::optional<core::TimePoint> end;  ///< of the token that it came with
  ConnectionRights rights;
  ConnectionShares shares;
  core::Pacing pacing;  ///< what the service's subprotocol makes of its answers
};

/// A checked request on its way to the endpoint's shard.
struct StartCall {
  core::CallRequest request;
  proto::CheckedRequest checked;
  core::Buffer message;
};

/// A message for the connections of an endpoint, or for one of them.
struct Publication {
  core::MessageKind kind = core::MessageKind::text;
  core::SharedBytes message;
  std::optional<ConnectionId> connection;
  /// On the endpoint's shard: how many have accepted it, and how many were closed as too slow.
  std::function<void(Result<SendCount>)> done;
};

/// What lists show of a connection.
struct ConnectionDetails {
  ConnectionId id{};
  std::string remote_address, user;
  std::chrono::system_clock::time_point since;
  std::size_t pending_calls = 0, outbox_bytes = 0;
  net::ConnectionTraffic traffic;
};

/// What a scrape reads of an endpoint.
struct EndpointFigures {
  std::size_t connections = 0, calls_in_flight = 0;
  std::size_t most_calls = 0, most_outbox = 0;  ///< of one connection
  std::uint64_t opened = 0, bytes_in = 0, bytes_out = 0, messages_in = 0, messages_out = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::count)> dropped{};
};

/// The actor of one endpoint: owns its connections, its pending calls and their deadlines on one shard, and
/// is what replaces the seed's wsConnLock and callbackLock. What it decides is in core::EndpointState; here
/// it is carried out. Functions are for its shard's thread (`shard().dispatch`), unless they say otherwise.
class Endpoint final : private net::ConnectionSink {
 public:
  Endpoint(Core& core, async::Shard& shard, std::size_t index, EndpointConfig config,
           BaseWebSocketHandler& handler);
  ~Endpoint();

  // Any thread.
  [[nodiscard]] async::Shard& shard() const { return shard_; }
  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] std::string const& name() const { return config_.name; }
  [[nodiscard]] EndpointKind kind() const { return config_.kind; }
  [[nodiscard]] std::string const& reject_reason() const { return config_.reject_reason; }

  /// A share of its limit on connections.
  [[nodiscard]] std::optional<core::Permit> reserve_connection() { return places_.acquire(1); }

  /// Takes a new connection in; it joins when its handshake is answered.
  void admit(Upgrade upgrade);

  /// Begins a call and sends its frame, or tells the caller why not.
  void start_call(StartCall&& start);
  /// Begins a call without sending anything: the seed's prepare_request.
  [[nodiscard]] boost::system::result<core::CallPlacement, CallFailure> begin_call(
      core::CallRequest const& request);
  /// Sends the frame of a call that has begun, or ends it.
  void transmit(core::CallPlacement const& placement, std::string head, core::Buffer body,
                std::size_t body_from);
  /// Ends one call; nothing happens when it has ended.
  void end_call(CallId call, core::CallEnd reason);
  /// Another time-out for a call, from now.
  void rearm(CallId call, core::Duration timeout);
  /// A part of the call, one with `credit_due`, has been taken: its service may send one more. Nothing when
  /// the call has ended.
  void give_credit(CallId call);
  /// What stands in a request's frame before the caller's members, as the connection's service understands
  /// it.
  [[nodiscard]] static std::string head_of(core::CallPlacement const& placement,
                                           proto::CheckedRequest const& checked, core::Duration timeout);

  /// An answer with the message that it was read out of, from that connection.
  void on_answer(ConnectionId from, proto::Answer const& answer, core::Buffer message);
  /// Counts and logs a message that is no answer to anything.
  void drop(DropReason reason, ConnectionId from);

  /// To every connection, or to one. What many connections get is spread over turns of the loop; publications
  /// follow each other, so that messages leave each connection in the order in which they came here.
  void publish(Publication publication);
  /// Closes one connection or all, with their calls, behind what was published before; returns how many. Of
  /// many, most are closed in the next turns of the loop.
  std::size_t close_connections(std::optional<ConnectionId> connection, proto::CloseCode code,
                                std::string_view reason);

  void subscribe(std::shared_ptr<EventStream> stream);
  void unsubscribe(EventStream const* stream);
  void end_subscriptions();

  /// In the order of joining: at most `most` of those that joined behind `after`.
  [[nodiscard]] std::vector<ConnectionDetails> connections(std::optional<ConnectionId> after,
                                                           std::size_t most) const;
  /// Their ids alone, in the same pages.
  [[nodiscard]] std::vector<ConnectionId> connection_ids(std::optional<ConnectionId> after,
                                                         std::size_t most) const {
    return state_.connections_after(after, most);
  }
  [[nodiscard]] bool has(ConnectionId connection) const { return state_.has(connection); }
  [[nodiscard]] EndpointFigures figures() const;
  [[nodiscard]] std::size_t calls() const { return state_.calls(); }
  /// Connections that understand `goaway` and are here.
  [[nodiscard]] std::size_t paced_connections() const { return paced_connections_; }

  /// Something went over that bound.
  void count(core::Bound bound);

  /// The drain begins: services that speak `reachback.v1` are told that no new requests come. So are those
  /// whose upgrade was under way.
  void say_goaway();
  /// The end: closes connections in jittered batches with 1012 and joins them.
  [[nodiscard]] async::Task<> shut_down();

 private:
  struct Member;

  void on_message(net::WebSocketConnection& connection, core::MessageKind kind,
                  core::Buffer message) override;
  void on_partial(net::WebSocketConnection& connection, core::MessageKind kind,
                  std::string_view so_far) override;
  void on_leave(net::WebSocketConnection& connection) override;

  [[nodiscard]] async::Task<> serve(std::unique_ptr<Member> member);
  void join(Member& member);
  [[nodiscard]] async::Task<> end_calls_of(ConnectionId connection);
  [[nodiscard]] async::Task<> end_all_calls(core::CallEnd reason);
  [[nodiscard]] async::Task<> publish_all();
  [[nodiscard]] async::Task<Result<SendCount>> publish_one(Publication const& publication,
                                                           std::size_t& in_turn);
  [[nodiscard]] async::Task<> publications_before(std::uint64_t number);
  [[nodiscard]] async::Task<> close_in_turns(std::vector<ConnectionId> connections, proto::CloseCode code,
                                             std::string reason);
  void deliver(core::AnswerDecision const& decision, proto::Answer const& answer, core::Buffer text);
  void ended(core::EndedCall const& call);
  [[nodiscard]] CallFailure failure_of(core::EndedCall const& call);
  void tell(core::CallerRef const& caller, CallEvent event);
  /// Tells a paced service that nobody waits for an answer of which it sent a part.
  void call_off(ConnectionId service, CallId answer);
  void arm();
  void expire();
  /// Runs what belongs to the embedding program; what it throws is logged and ends nothing.
  template <class Function>
  void call_handler(Function const& function);
  void publish_event(std::string_view type, ConnectionId connection,
                     core::MessageKind kind = core::MessageKind::text,
                     std::optional<core::Buffer> message = std::nullopt);
  [[nodiscard]] async::Task<> say_goaway_in_turns();
  void tell_to_go(Member& member);
  /// One of the gateway's own messages; none where it is not understood.
  core::MessageNumber send_control(Member& member, proto::ControlMessage const& message);
  [[nodiscard]] async::Task<> pause(core::Duration duration);
  [[nodiscard]] WebSocketClient client_of(Member const& member) const;
  [[nodiscard]] Member* find(ConnectionId connection) const;

  Core& core_;
  async::Shard& shard_;
  std::size_t const index_;
  EndpointConfig const config_;
  BaseWebSocketHandler& handler_;
  core::EndpointState state_;
  core::Budget places_;  ///< of connections
  std::unordered_map<ConnectionId, Member*> members_;
  std::vector<std::shared_ptr<EventStream>> subscribers_;
  EndpointFigures past_;  ///< of connections that have left, and drops
  async::Deadline deadline_;
  std::optional<core::TimePoint> armed_;
  std::deque<Publication> publications_;      ///< each holds its share of the budget of outboxes
  std::uint64_t queued_ = 0, published_ = 0;  ///< publications, since the start
  std::size_t paced_connections_ = 0;
  bool publishing_ = false;
  bool closing_ = false;
  async::Signal pause_over_;
  async::Deadline pause_;
  async::TaskGroup tasks_;
};

}  // namespace reachback::gateway
