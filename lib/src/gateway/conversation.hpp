#pragma once

#include <exception>
#include <optional>
#include <string_view>

#include "gateway/caller.hpp"
#include "gateway/core.hpp"
#include "gateway/exchange.hpp"
#include "net/http_session.hpp"

namespace reachback::gateway {

/// The gateway's side of one HTTP session: brings each request to its route, and an upgrade to its endpoint.
/// Owns the caller whose channel all calls of the session reuse. On the session's shard.
class Conversation final : public net::HttpHandler {
 public:
  Conversation(Core& core, ShardScope& scope, ConnectionShares shares, Standing standing);

  [[nodiscard]] net::Task<> handle(net::HttpSession& session) override;
  [[nodiscard]] net::Task<> failed(net::HttpSession& session, std::exception_ptr mistake) override;
  [[nodiscard]] net::HttpResponse refuse(proto::Problem problem, std::string_view detail) override;
  void handshake_failed(net::HttpSession& session, net::error_code error) override;

 private:
  [[nodiscard]] Exchange& exchange_for(net::HttpSession& session);
  [[nodiscard]] net::Task<> answer(Exchange& exchange);
  [[nodiscard]] net::Task<> refuse_for_standing(Exchange& exchange);

  Core& core_;
  ShardScope& scope_;
  ConnectionShares shares_;
  Standing const standing_;
  Caller caller_;
  Credentials::LastToken last_token_;
  std::optional<Exchange> exchange_;
  std::uint64_t head_number_ = 0;  ///< of the exchange's head
};

}  // namespace reachback::gateway
