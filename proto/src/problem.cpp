#include "reachback/proto/problem.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "reachback/proto/json_text.hpp"

namespace reachback::proto {

namespace {

struct Entry {
  Problem problem;
  int status;
  std::string_view name;
  std::string_view title;
  std::string_view explanation;
};

constexpr std::array entries = {
    Entry{Problem::bad_message, 400, "bad-message", "The message cannot be sent",
          "The body of the request is not one JSON object in UTF-8, is nested deeper than 512 levels, or "
          "carries a "
          "top-level callId. The gateway gives every call its own callId, so leave that key out. The detail "
          "says "
          "which of these it is. Nothing was sent to the service."},
    Entry{Problem::bad_parameter, 400, "bad-parameter", "A parameter has no valid value",
          "A query parameter cannot be used, for example a timeout that is no number of seconds above 0 and "
          "up to "
          "3600. The detail says what it may be. Nothing was sent to the service."},
    Entry{Problem::unauthorized, 401, "unauthorized", "No valid credential",
          "The request carries no credential that the gateway knows. Send the header Authorization: Bearer "
          "TOKEN, "
          "or log in at /login and send the cookie that you get."},
    Entry{Problem::forbidden, 403, "forbidden", "Not allowed",
          "The credential is valid but lacks the scope for this, or the request comes from a web page of an "
          "origin "
          "that is not allowed. Ask the operator for a token with the scope that the detail names, or to "
          "allow the "
          "origin."},
    Entry{Problem::no_endpoint, 404, "no-endpoint", "No such endpoint",
          "The gateway has no endpoint of this name. GET /v1/endpoints lists those that it has."},
    Entry{Problem::no_connection, 404, "no-connection", "No such connection",
          "The connection that the request names is not on this endpoint: it has closed, or its id was never "
          "given. "
          "GET /v1/endpoints/NAME lists the connections of an endpoint. Nothing was sent."},
    Entry{Problem::not_found, 404, "not-found", "Nothing is here",
          "The path leads to nothing that the gateway serves. Check it against the documentation; paths are "
          "compared letter by letter."},
    Entry{Problem::method_not_allowed, 405, "method-not-allowed", "Wrong method",
          "The path exists, but not for this method. The header Allow of the answer lists the methods that "
          "it has."},
    Entry{Problem::not_acceptable, 406, "not-acceptable", "No such form of answer",
          "The header Accept names only forms that the gateway does not give here. Calls are answered as "
          "application/json, application/x-ndjson or application/octet-stream."},
    Entry{Problem::unsupported_media_type, 415, "unsupported-media-type", "Wrong Content-Type",
          "A call's body is a JSON object: send it with Content-Type: application/json, or without the "
          "header."},
    Entry{
        Problem::wrong_kind, 409, "wrong-kind", "The endpoint takes no calls",
        "Calls go to endpoints of kind service. This one is of kind broadcast: send messages to it with POST "
        "/v1/endpoints/NAME/messages and read its events with GET /v1/endpoints/NAME/events."},
    Entry{Problem::too_large, 413, "too-large", "The body is too large",
          "The body is over the gateway's limit, 64 MiB unless the operator set another. Send less, or have "
          "the "
          "limit raised. Nothing was sent to the service."},
    Entry{Problem::too_slow, 408, "too-slow", "The request came too slowly",
          "The head of the request was not complete in time, or its body made no progress for too long. The "
          "connection is closed; send the request again. Nothing was sent to the service."},
    Entry{
        Problem::head_too_large, 431, "head-too-large", "The request's head is too large",
        "The request line and the header fields together are over the limit, 16 KiB unless the operator set "
        "another. Often a cookie is to blame."},
    Entry{
        Problem::uri_too_long, 414, "uri-too-long", "The request line is too long",
        "The request line alone is over the limit of a head, 16 KiB unless the operator set another. What a "
        "call says belongs into its body."},
    Entry{Problem::expectation_failed, 417, "expectation-failed", "The expectation cannot be met",
          "The header Expect asks for something else than 100-continue, which is all that the gateway knows. "
          "Leave the header out. Nothing was sent to the service."},
    Entry{Problem::bad_request, 400, "bad-request", "Not valid HTTP",
          "The bytes that arrived are no HTTP request. The connection is closed, since nobody can tell where "
          "the "
          "next request would begin."},
    Entry{Problem::upgrade_required, 426, "upgrade-required", "This path speaks WebSocket",
          "The path belongs to a WebSocket endpoint. Open it with a WebSocket client (ws:// or wss://); "
          "plain HTTP "
          "requests to an endpoint go to /v1/endpoints/NAME."},
    Entry{Problem::too_many_calls, 429, "too-many-calls", "Too many calls are pending",
          "The endpoint, or the service's connection, has as many calls waiting for answers as it may have. "
          "Wait as long as the header Retry-After says and try again. Nothing was sent to the service."},
    Entry{Problem::too_many_connections, 429, "too-many-connections", "Too many connections of one client",
          "The client's address has as many connections open as it may have. Close some, or use those that "
          "are open for more than one request, and try again. Nothing was sent to a service."},
    Entry{
        Problem::service_closed, 502, "service-closed", "The service's connection closed",
        "The connection to the service closed during the call. The member delivery tells whether the request "
        "had "
        "reached it: repeat the call freely when that is not-sent, else only if doing its work twice does no "
        "harm."},
    Entry{
        Problem::bad_answer, 502, "bad-answer", "The service's answer breaks the protocol",
        "An answer came but cannot be used: its part numbers contradict each other, its data is no base64 or "
        "does not inflate, or a size or hash does not match. The detail says which. This is a fault of the "
        "service "
        "or of something between it and the gateway."},
    Entry{Problem::service_error, 502, "service-error", "The service reports an error",
          "The service answered with an error status. For the form application/octet-stream, which has no "
          "place for "
          "an error, its message stands in the member message; other forms give that message as the answer."},
    Entry{Problem::slow_caller, 502, "slow-caller", "The answer was not read fast enough",
          "The parts of the answer that the caller had not read yet grew over the call's budget, so the call "
          "was "
          "ended. Read the answer while it arrives, or ask the operator for a larger budget."},
    Entry{Problem::no_service, 503, "no-service", "No service is connected",
          "Nothing that answers calls is connected to this endpoint. Start the remote service, or wait as "
          "long as "
          "the header Retry-After says and try again. Nothing was sent."},
    Entry{Problem::service_busy, 503, "service-busy", "The service takes no more at the moment",
          "So many bytes wait to be sent to the service that this message does not fit beside them. Wait as "
          "long as "
          "the header Retry-After says and try again. Nothing was sent."},
    Entry{Problem::overloaded, 503, "overloaded", "The gateway is at its limits",
          "A limit of the whole gateway, or that of an endpoint's connections, is reached: connections, new "
          "WebSockets in a second, event streams, or the memory for messages on their way. Wait as long as "
          "the header Retry-After says and try again. Nothing was sent."},
    Entry{Problem::draining, 503, "draining", "The gateway is shutting down",
          "The gateway finishes what it has and takes nothing new. Another replica, or this one after its "
          "restart, "
          "will take the request: try again after the time in the header Retry-After. Nothing was sent."},
    Entry{Problem::disabled, 503, "disabled", "The endpoint is switched off",
          "The operator switched this endpoint off: it refuses connections, calls and messages. Nothing was "
          "sent."},
    Entry{Problem::timed_out, 504, "timed-out", "No answer in time",
          "The service did not answer, or did not send the next part, within the call's time-out. It may "
          "still be "
          "at work. Give a longer time with ?timeout=SECONDS; the member delivery tells whether the request "
          "reached "
          "the service."},
    Entry{Problem::internal, 500, "internal", "A fault in the gateway",
          "The gateway met a state that it does not expect. This is a bug in it: the log tells more, please "
          "report "
          "it."},
};

constexpr std::size_t index_of(Problem problem) { return static_cast<std::size_t>(problem); }

constexpr bool in_order_of_enum() {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (index_of(entries[i].problem) != i) return false;
  }
  return entries.size() == index_of(Problem::internal) + 1;
}
static_assert(in_order_of_enum());

Entry const& entry_of(Problem problem) { return entries[index_of(problem)]; }

void append_text(std::string& out, std::string_view key, std::string_view text) {
  fmt::format_to(std::back_inserter(out), ",\"{}\":\"{}\"", key, escape(text));
}

}  // namespace

std::string_view name_of(Problem problem) { return entry_of(problem).name; }
std::string_view title_of(Problem problem) { return entry_of(problem).title; }
std::string_view explanation_of(Problem problem) { return entry_of(problem).explanation; }
int http_status_of(Problem problem) { return entry_of(problem).status; }

std::string_view to_string(Delivery delivery) {
  switch (delivery) {
    case Delivery::not_sent:
      return "not-sent";
    case Delivery::sent:
      return "sent";
    case Delivery::unknown:
      return "unknown";
  }
  return "unknown";
}

std::span<Problem const> all_problems() {
  static constexpr auto problems = [] {
    std::array<Problem, entries.size()> all{};
    std::ranges::transform(entries, all.begin(), &Entry::problem);
    return all;
  }();
  return problems;
}

std::optional<Problem> problem_by_name(std::string_view name) {
  auto const found = std::ranges::find(entries, name, &Entry::name);
  return found == entries.end() ? std::nullopt : std::optional(found->problem);
}

std::string to_json(ProblemDocument const& document) {
  Entry const& entry = entry_of(document.problem);
  std::string json = fmt::format(R"({{"type":"/problems/{}","title":"{}","status":{})", entry.name,
                                 entry.title, entry.status);
  append_text(json, "detail", document.detail);
  if (!document.endpoint.empty()) append_text(json, "endpoint", document.endpoint);
  if (document.call_id)
    fmt::format_to(std::back_inserter(json), ",\"callId\":{}", to_number(*document.call_id));
  if (document.delivery) append_text(json, "delivery", to_string(*document.delivery));
  if (!document.service_message.empty()) {
    json += ",\"message\":";
    json += document.service_message;
  }
  json += '}';
  return json;
}

std::string error_message(std::string_view cmd, int status, std::string_view error,
                          std::optional<CallId> call_id) {
  auto message = fmt::format(R"({{"cmd":"{}","status":{},"error":"{}")", escape(cmd), status, escape(error));
  if (call_id) fmt::format_to(std::back_inserter(message), ",\"callId\":{}", to_number(*call_id));
  message += '}';
  return message;
}

std::string no_service_text(std::string_view endpoint) {
  return fmt::format("RemoteService: {} not connected. Please start the remote service.",
                     endpoint == "wsSubject" ? "SubjectService" : "DataService");
}

}  // namespace reachback::proto
