#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/caller.hpp"
#include "gateway/core.hpp"
#include "gateway/credentials.hpp"
#include "gateway/request_parameters.hpp"
#include "gateway/request_target.hpp"
#include "net/http_session.hpp"

namespace reachback::gateway {

struct Route;

/// One request with all that its handler needs. It stays for the session's next request when that has the
/// same head.
struct Exchange {
  Core& core;
  ShardScope& scope;
  Caller& caller;
  net::HttpSession& session;
  ConnectionShares& shares;            ///< the session's, handed on by an upgrade
  Credentials::LastToken& last_token;  ///< of the session: heads differ, tokens rarely do

  // Made of the head alone.
  RequestTarget target{};
  Route const* route = nullptr;         ///< null: the path is no route's, or not with this method
  std::vector<std::string> captures{};  ///< what the stars of the route's pattern stand for
  Endpoint* named_endpoint = nullptr;
  net::FieldLines cors{};       ///< fields that every answer to an allowed origin carries
  bool from_elsewhere = false;  ///< a page of another origin wants to change something
  std::optional<Result<CallParameters>> call{};
  bool has_token =
      false;  ///< which, unless a JWT, is good for every request with this head; a cookie expires

  std::optional<Identity> who{};

  [[nodiscard]] wire::HttpRequestHead const& head() const { return session.head(); }
  [[nodiscard]] ClientView client() const;
  /// Something went over that bound.
  void count(core::Bound bound) const { scope.refusals.count(bound); }
  /// The endpoint of the first star, or null.
  [[nodiscard]] Endpoint* endpoint() const { return named_endpoint; }

  async::Task<> respond(net::HttpResponse response);
  async::Task<bool> begin(net::HttpResponse response);
  /// Finds out who asks, by what the request carries or else by the connection's certificate: `who`, or what
  /// is wrong with what was shown.
  [[nodiscard]] Credentials::Verdict verify();
  /// When what is opened with that credential has to end.
  [[nodiscard]] std::optional<core::TimePoint> end_of(Identity const& identity) const;
  /// For the operator who asks why a token is not taken.
  void log(Refusal refusal) const;
  /// 401 with what a client may know (RFC 6750, 3).
  async::Task<> refuse(Refusal refusal);
  /// Answers with a problem document.
  async::Task<> refuse(Problem problem, std::string detail);
  async::Task<> refuse(Failure failure, std::optional<CallId> call_id = std::nullopt,
                       std::string service_message = {});
  /// Because the client's address has all the connections that it may have.
  async::Task<> refuse_address();
  /// The share of a client behind a proxy, empty for any other; nothing: refused, which is answered.
  [[nodiscard]] async::Task<std::optional<core::Permit>> enter_behind_proxy();
  async::Task<> respond_json(std::string body);
  async::Task<> respond_text(int status, std::string body);
};

/// The answer that carries a problem document, with the fields that its status asks for.
[[nodiscard]] net::HttpResponse problem_response(proto::ProblemDocument const& document,
                                                 std::string_view challenge = "Bearer");

/// Whether a field of media ranges (`Accept`) or one media type (`Content-Type`) names that type: parameters,
/// weights and letter case do not count.
[[nodiscard]] bool names_media_type(std::string_view field, std::string_view type);

}  // namespace reachback::gateway
