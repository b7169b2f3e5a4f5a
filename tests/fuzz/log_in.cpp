// What our client makes of a gateway's answer to its log-in, which may be anybody's: whatever cookie that
// sets, the next request is one request; and a gateway's error message is no request.
#include "client/log_in.hpp"

#include <string>

#include "client/gateway_error.hpp"
#include "gateway/request_target.hpp"
#include "target.hpp"
#include "wire/http_parser.hpp"

namespace reachback::fuzz {
namespace {

wire::HttpRequestParser parsed(std::string_view request) {
  wire::HttpRequestParser parser({});
  while (auto const taken = parser.feed(request)) request.remove_prefix(taken);
  expect(parser.progress() == wire::HttpProgress::done && request.empty(), "what is asked is one request");
  return parser;
}

void check_answer(wire::HttpResponseHead const& head) {
  client::Address const gateway{"gateway.example", 8888, false};
  auto const xsrf = client::cookie_of(head.fields, "_xsrf");
  auto const parser = parsed(client::log_in_request(gateway, "a user&", "pass=word%", xsrf));
  auto const form = gateway::read_form(parser.body());
  expect(form && form->size() == 3, "the form has its three values");
  expect((*form)[0].second == "a user&" && (*form)[1].second == "pass=word%", "and they arrive");
  auto const cookie = "Cookie: login=" + client::cookie_of(head.fields, "login");
  auto const upgrade = parsed(client::upgrade_request(gateway, "wsData", cookie, "dGhlIHNhbXBsZSBub25jZQ=="));
  expect(upgrade.head().websocket_upgrade, "an upgrade stays one");
  if (client::accepts_upgrade(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
    expect(head.status == 101 && !head.fields.has("Sec-WebSocket-Extensions"),
           "an upgrade is one as asked for");
}

void run(std::string_view input) {
  if (input.starts_with('{')) {
    if (auto const error = client::read_gateway_error(input))
      expect(input.find("error") != input.npos || input.find("\\u00") != input.npos,
             "an error message says so");
    return;
  }
  wire::HttpResponseParser parser({});
  for (auto rest = input; auto const taken = parser.feed(rest);) rest.remove_prefix(taken);
  bool const has_head =
      parser.progress() == wire::HttpProgress::done || parser.progress() == wire::HttpProgress::body;
  if (has_head) check_answer(parser.head());
}

Registration const registration("log_in", run);

}  // namespace
}  // namespace reachback::fuzz
