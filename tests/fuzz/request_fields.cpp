// What the gateway reads out of a request's fields, one to a line of the input behind the target: parameters
// of a call, the client behind proxies, where a page comes from. Nothing of it can be forged from where it
// does not count, and nothing is put into an answer that is not one line.
#include <string>

#include "gateway/origin.hpp"
#include "gateway/request_parameters.hpp"
#include "gateway/request_target.hpp"
#include "gateway/subprotocol.hpp"
#include "gateway/trusted_proxies.hpp"
#include "input.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

wire::HttpFields read_fields(Input& script) {
  wire::HttpFields fields;
  while (!script.empty()) {
    Input line(script.line());
    auto const name = line.until(':');
    auto const value = line.rest();
    if (!name.empty() && value.find('\r') == value.npos) fields.add(name, value);
  }
  return fields;
}

void check_parameters(std::string_view target_text, wire::HttpFields const& fields) {
  static Config const config;
  auto const target = gateway::read_target(target_text);
  if (!target) return;
  auto const call = gateway::read_call_parameters(*target, fields, config);
  if (!call) return expect(!call.error().detail.empty(), "a refusal is a sentence");
  expect(call->timeout >= core::Duration(0) && call->timeout <= core::Duration(config.timeouts.longest_call),
         "a time-out is within its bounds");
  auto const connection = target->parameter("connection");
  expect(connection.has_value() == call->connection.has_value(), "a connection is chosen when one is named");
}

void check_client(wire::HttpFields const& fields) {
  static auto const proxies = *gateway::TrustedProxies::read({"10.0.0.0/8", "fd00::/8", "192.0.2.7"});
  auto const direct = proxies.client_of("198.51.100.1:4000", fields);
  expect(direct.address == "198.51.100.1" && direct.shown == "198.51.100.1:4000" && !direct.https,
         "a stranger's word does not count");
  auto const behind = proxies.client_of("10.1.2.3:80", fields);
  expect(!behind.address.empty() && behind.address.find_first_of(" ,\r\n") == std::string::npos,
         "a client is one address");
  // What a client writes itself stands before what its proxy adds.
  wire::HttpFields forged;
  for (auto const value : fields.all("X-Forwarded-For")) forged.add("X-Forwarded-For", value);
  forged.add("X-Forwarded-For", "203.0.113.9");
  expect(proxies.client_of("10.1.2.3:80", forged).address == "203.0.113.9",
         "a client cannot choose its address");
}

void check_origin(wire::HttpFields const& fields) {
  static std::vector<std::string> const allowed = {"https://lab.example"};
  bool const is_allowed = wire::equal_ignoring_case(fields.get("Origin"), allowed.front());
  auto const cors = std::string(gateway::cors_fields(fields, allowed).text());
  expect(cors.empty() == !is_allowed, "only an allowed origin may read");
  if (is_allowed) return expect(!gateway::comes_from_elsewhere(fields, allowed), "an allowed origin may ask");
  auto const origin = fields.get("Origin");
  if (!fields.has("Origin") || gateway::comes_from_elsewhere(fields, allowed)) return;
  auto const authority = origin.substr(std::min(origin.find("://"), origin.size()));
  expect(authority.size() > 3 && wire::equal_ignoring_case(authority.substr(3), fields.get("Host")),
         "any other is the gateway's own");
}

void run(std::string_view input) {
  Input script(input);
  auto const target = script.line();
  auto const fields = read_fields(script);
  check_parameters(target, fields);
  check_client(fields);
  check_origin(fields);
  auto const pacing = gateway::asked_pacing(fields, EndpointKind::service);
  expect(pacing == core::Pacing::none || fields.lists("Sec-WebSocket-Protocol", "reachback.v1"),
         "only who offers it gets a subprotocol");
}

Registration const registration("request_fields", run);

}  // namespace
}  // namespace reachback::fuzz
