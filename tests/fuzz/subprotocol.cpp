// The gateway's own messages to a service: only what is one is read as one, and what is written reads back.
#include <string>

#include "boost_json.hpp"
#include "reachback/proto/subprotocol.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

using proto::ControlMessage;

void expect_same(ControlMessage const& a, ControlMessage const& b) {
  expect(a.kind == b.kind && a.call_id == b.call_id && a.parts == b.parts, "the same message");
}

void run(std::string_view input) {
  auto const message = proto::read_control_message(input);
  if (!message) return;
  auto const again = proto::read_control_message(proto::to_json(*message));
  expect(again.has_value(), "what is written reads back");
  expect_same(*again, *message);
  expect(proto::to_number(message->call_id) <= proto::max_call_id, "a callId fits into a double");
  expect((message->parts > 0) == (message->kind == ControlMessage::Kind::credit), "a credit is for parts");
  auto const boost = boost_opinion(input, 600);
  if (!boost.value) return;
  auto const& object = boost.value->as_object();
  expect(!object.contains("timeoutMs"), "a request is no message of the gateway's own");
  auto const& cmd = object.at("cmd").as_string();
  expect(cmd == "credit" || cmd == "cancel" || cmd == "goaway", "it is one of the three");
}

Registration const registration("subprotocol", run);

}  // namespace
}  // namespace reachback::fuzz
