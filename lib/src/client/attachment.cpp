#include "client/attachment.hpp"

#include <utility>

namespace reachback::client {
namespace {

/// A gateway takes requests up to 64 MiB and adds their `callId` (wire-protocol.md, 6).
constexpr std::size_t message_limit = (64u << 20) + 1024;

net::ConnectionSettings const& connection_settings() {
  static net::ConnectionSettings const settings = [] {
    net::ConnectionSettings chosen;
    chosen.outbox_limit = 64u << 20;  // the window of the answers, and errors beside it
    return chosen;
  }();
  return settings;
}

}  // namespace

Attachment::Attachment(async::Shard& shard, RequestPool& pool, Log const& log, AttachmentOwner& owner,
                       proto::ConnectionId id, Dialed dialed)
    : pool_(pool),
      log_(log),
      owner_(owner),
      opened_at_(shard.now()),
      pacing_(dialed.pacing),
      credential_(dialed.credential),
      rest_(std::move(dialed.rest)),
      connection_(shard, std::move(dialed.stream), id, connection_settings(), *this) {
  connection_.open_as_client(message_limit);
  pool_.open(connection_, pacing_, [this] { leave_if_done(); });
}

async::Task<> Attachment::run() { return connection_.run(std::move(rest_)); }

void Attachment::leave_when_done() {
  leaving_ = true;
  leave_if_done();
}

void Attachment::leave_if_done() {
  if (leaving_ && pool_.done_with(connection_.id()))
    close(proto::CloseCode::going_away, "the service is attached elsewhere");
}

void Attachment::close(proto::CloseCode code, std::string_view reason) { connection_.close(code, reason); }

void Attachment::on_message(net::WebSocketConnection&, core::MessageKind, core::Buffer message) {
  if (pacing_ == core::Pacing::credits) {
    if (auto const control = proto::read_control_message(message.view())) return obey(*control);
  }
  if (auto const error = read_gateway_error(message.view())) return owner_.on_gateway_error(*this, *error);
  pool_.take(connection_.id(), std::move(message));
}

void Attachment::obey(proto::ControlMessage const& message) {
  switch (message.kind) {
    case proto::ControlMessage::Kind::credit:
      return pool_.credit({connection_.id(), message.call_id}, message.parts);
    case proto::ControlMessage::Kind::cancel:
      return pool_.cancel({connection_.id(), message.call_id});
    case proto::ControlMessage::Kind::goaway:
      if (std::exchange(told_to_go_, true)) return;
      log_(LogLevel::info, "the gateway is about to close: no new requests come from it");
      owner_.on_no_more_requests(*this);
  }
}

void Attachment::on_leave(net::WebSocketConnection&) {
  pool_.leave(connection_.id());
  owner_.on_no_more_requests(*this);
}

}  // namespace reachback::client
