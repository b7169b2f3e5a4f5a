#include <doctest/doctest.h>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"

using namespace reachback;
using namespace reachback::test;

namespace {

constexpr std::size_t big = 16u << 20;
constexpr std::size_t frame_size = 64 * 1024;

}  // namespace

TEST_CASE_TEMPLATE(
    "a ping in the middle of a message of 16 MiB that is being sent is answered before its end", Shards,
    OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service("wsData", Window::small);
  auto caller = gateway.caller();
  std::string const message = request_of_size(big);
  caller.call(message);
  Frame frame = service.read_frame();
  std::string text = frame.payload;
  service.send({.opcode = Opcode::ping, .payload = "in the middle"});
  bool answered = false;
  while (frame.fin == Fin::more_follow) {
    frame = service.read_frame();
    if (frame.opcode == Opcode::continuation) {
      text += frame.payload;
      continue;
    }
    CHECK(frame.opcode == Opcode::pong);
    CHECK(frame.payload == "in the middle");
    // The pong does not wait for what was queued before the ping.
    CHECK(text.size() < big / 2);
    answered = true;
    frame.fin = Fin::more_follow;
  }
  CHECK(answered);
  CHECK(text.substr(text.find(R"("cmd")")) == message.substr(1));
  service.send_text(answer_to(call_id_in(text)));
  CHECK(caller.read_answer().status == 200);
}

TEST_CASE_TEMPLATE("a ping between the fragments of a message of 16 MiB is answered at once", Shards,
                   OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call(request_text, as_lines);
  auto const call = service.read_call();
  std::string answer = answer_to(call.id, std::string(big - answer_to(call.id, "").size(), 'A'));
  REQUIRE(answer.size() == big);
  for (std::size_t at = 0; at < big; at += frame_size) {
    bool const last = at + frame_size >= big;
    service.send({.opcode = at == 0 ? Opcode::text : Opcode::continuation,
                  .fin = last ? Fin::last : Fin::more_follow,
                  .payload = answer.substr(at, frame_size)});
    if (at == big / 2) service.settle();
  }
  auto const got = caller.read_answer();
  CHECK(got.status == 200);
  CHECK(got.body == answer + "\n");
  CHECK(gateway.budgets_return());
}

TEST_CASE_TEMPLATE("a message over 16 MiB closes its connection with 1009", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  caller.call();
  auto const call = service.read_call();
  // Its header tells the size: the gateway need not wait for the rest.
  service.stream().write(bytes_of({.payload = answer_to(call.id, std::string(big, 'A'))}).substr(0, 100));
  CHECK(service.read_close() == 1009);
  CHECK(caller.read_answer().says("/problems/service-closed"));
}

TEST_CASE_TEMPLATE("everything works byte by byte", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  auto caller = gateway.caller();
  std::string const request =
      "POST /v1/endpoints/wsData/requests HTTP/1.1\r\nHost: gateway\r\n"
      "Authorization: Bearer test\r\nContent-Length: 13\r\n\r\n{\"cmd\":\"rpc\"}";
  for (char const byte : request) caller.send({&byte, 1});
  auto const call = service.read_call();
  std::string const answer = bytes_of({.payload = answer_to(call.id, std::string(200, 'A'))});
  for (char const byte : answer) service.stream().write({&byte, 1});
  auto const got = caller.read_answer();
  CHECK(got.status == 200);
  CHECK(got.body == answer_to(call.id, std::string(200, 'A')));
}
