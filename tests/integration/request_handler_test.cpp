#include "reachback/request_handler.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "support/gateway_fixture.hpp"
#include "support/messages.hpp"
#include "support/wait_until.hpp"

using namespace reachback;
using namespace reachback::test;
using std::chrono::seconds;

namespace {

using Waiting = std::future<Result<Response>>;

Waiting ask(RequestHandler& handler, std::string message = std::string(request_text)) {
  return std::async(std::launch::async,
                    [&handler, message = std::move(message)] { return handler.do_request(message); });
}

Waiting fetch(RequestHandler& handler, CallId call) {
  return std::async(std::launch::async, [&handler, call] { return handler.get_response(call); });
}

bool contains(std::string_view text, std::string_view wanted) {
  return text.find(wanted) != std::string_view::npos;
}

/// What the seed's user sends to get the next part.
std::string continuation(CallId call) {
  return R"({"cmd":"rpc","incomplete":true,"callId":)" + std::to_string(to_number(call)) + "}";
}

}  // namespace

TEST_CASE_TEMPLATE("do_request returns the service's answer", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto waiting = ask(handler);
  auto const call = service.read_call();
  CHECK(contains(call.text, R"("attribute":"echo")"));
  service.send_text(answer_to(call.id, "cmlnaHQ="));
  auto const response = value_of(waiting);
  REQUIRE(response);
  CHECK(response->call_id == call.id);
  CHECK_FALSE(response->incomplete);
  CHECK(contains(response->message, R"("incomplete":false)"));
  CHECK(contains(response->message, "cmlnaHQ="));
}

TEST_CASE_TEMPLATE("without a service do_request fails with the seed's text", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler data("wsData", gateway.gateway());
  RequestHandler subject("wsSubject", gateway.gateway());
  auto const first = data.do_request(request_text);
  REQUIRE_FALSE(first);
  CHECK(first.error().problem == Problem::no_service);
  CHECK(first.error().delivery == Delivery::not_sent);
  CHECK(first.error().detail == "RemoteService: DataService not connected. Please start the remote service.");
  auto const second = subject.do_request(request_text);
  REQUIRE_FALSE(second);
  CHECK(second.error().detail ==
        "RemoteService: SubjectService not connected. Please start the remote service.");
}

TEST_CASE("what cannot be a call is refused by name") {
  GatewayFixture gateway(OneShard::config());
  auto service = gateway.service();
  auto const problem_of = [&](std::string const& endpoint, std::string_view message) {
    RequestHandler handler(endpoint, gateway.gateway());
    auto const response = handler.do_request(message);
    return response ? Problem::internal : response.error().problem;
  };
  CHECK(problem_of("wsNobody", request_text) == Problem::no_endpoint);
  CHECK(problem_of("wsUser", request_text) == Problem::wrong_kind);
  CHECK(problem_of("wsData", "[1]") == Problem::bad_message);
  CHECK(problem_of("wsData", R"({"cmd":"rpc","callId":7})") == Problem::bad_message);
  CHECK(problem_of("wsData", continuation(CallId{7})) == Problem::no_connection);
}

TEST_CASE_TEMPLATE("prepare_request, send_websocket_message and get_response make one call", Shards, OneShard,
                   FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto older = gateway.service();
  auto newest = gateway.service();
  auto const prepared = handler.prepare_request(request_text);
  REQUIRE(prepared);
  CHECK(prepared->connection == gateway.state().connections("wsData")->back());
  CHECK(call_id_in(prepared->message) == prepared->call_id);

  auto const sent = gateway.state().send_websocket_message("wsData", prepared->message, prepared->connection);
  REQUIRE(sent);
  CHECK(sent->delivered == 1);
  auto const call = newest.read_call();
  CHECK(call.text == prepared->message);
  auto waiting = fetch(handler, call.id);
  newest.send_text(answer_to(call.id));
  auto const response = value_of(waiting);
  REQUIRE(response);
  CHECK(contains(response->message, R"("data":"aGk=")"));
  auto const again = handler.get_response(call.id);
  REQUIRE_FALSE(again);
  CHECK(again.error().problem == Problem::no_connection);
}

TEST_CASE_TEMPLATE("an answer that came before anybody waited is kept", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto const prepared = handler.prepare_request(request_text);
  REQUIRE(prepared);
  service.send_text(answer_to(prepared->call_id));
  service.settle();
  gateway.advance(seconds(200));
  auto const response = handler.get_response(prepared->call_id);
  REQUIRE(response);
  CHECK(contains(response->message, R"("status":200)"));
}

TEST_CASE_TEMPLATE("callback brings an answer in that came some other way", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto older = gateway.service();
  auto newest = gateway.service();
  auto const ids = gateway.state().connections("wsData").value();
  auto waiting = ask(handler);
  auto const call = newest.read_call();

  CHECK(handler.callback(ids.front(), answer_to(call.id, "d3Jvbmc=")));
  CHECK(gateway.dropped_becomes("wrong-connection", 1));
  CHECK(handler.callback(ids.back(), answer_to(call.id, "cmlnaHQ=")));
  auto const response = value_of(waiting);
  REQUIRE(response);
  CHECK(contains(response->message, "cmlnaHQ="));

  for (std::string_view const garbage : {"[]", "{", R"({"cmd":"rpc","status":200})", "\xff"}) {
    CAPTURE(garbage);
    auto const refused = handler.callback(ids.back(), garbage);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().problem == Problem::bad_answer);
  }
}

TEST_CASE_TEMPLATE("an answer in parts is fetched part by part", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto waiting = ask(handler);
  auto const call = service.read_call();
  service.send_text(part_of(call.id, {1, 3}, "b25l"));
  auto const first = value_of(waiting);
  REQUIRE(first);
  CHECK(first->incomplete);
  CHECK(contains(first->message, R"("incomplete":true)"));
  CHECK(contains(first->message, "b25l"));

  service.send_text(part_of(call.id, {3, 3}, "dHJl"));
  service.send_text(part_of(call.id, {2, 3}, "dHdv"));
  auto const second = handler.do_request(continuation(call.id));
  REQUIRE(second);
  CHECK(second->incomplete);
  CHECK(contains(second->message, "dHJl"));
  auto const third = handler.do_request(continuation(call.id));
  REQUIRE(third);
  CHECK_FALSE(third->incomplete);
  CHECK(contains(third->message, "dHdv"));
  CHECK_FALSE(handler.do_request(continuation(call.id)));
  CHECK(gateway.pending_becomes(0));
}

TEST_CASE_TEMPLATE("the time-out counts anew for each part", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto waiting = ask(handler);
  auto const call = service.read_call();
  gateway.advance(seconds(50));
  service.send_text(part_of(call.id, {1, 2}));
  REQUIRE(value_of(waiting));

  auto second = fetch(handler, call.id);
  // From when on it waits cannot be seen; so time passes slowly enough for it to begin.
  seconds passed(0);
  while (second.wait_for(std::chrono::milliseconds(10)) != std::future_status::ready) {
    gateway.advance(seconds(1));
    passed += seconds(1);
  }
  CHECK(passed >= seconds(60));
  auto const over = second.get();
  REQUIRE_FALSE(over);
  CHECK(over.error().problem == Problem::timed_out);
}

TEST_CASE_TEMPLATE("threads that share a handler each get their own answer", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  std::vector<Waiting> waiting;
  for (int i = 0; i < 8; ++i)
    waiting.push_back(ask(handler, R"({"cmd":"rpc","n":)" + std::to_string(i) + "}"));
  std::vector<SeenCall> calls;
  for (int i = 0; i < 8; ++i) calls.push_back(service.read_call());
  std::reverse(calls.begin(), calls.end());
  std::set<CallId> ids;
  for (auto const& call : calls) {
    ids.insert(call.id);
    auto const number = call.text.substr(call.text.find(R"("n":)") + 4, 1);
    service.send_text(answer_to(call.id, number + "AAA"));
  }
  CHECK(ids.size() == 8);
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    auto const response = value_of(waiting[i]);
    REQUIRE(response);
    CHECK(contains(response->message, std::to_string(i) + "AAA"));
  }
}

TEST_CASE_TEMPLATE("a call that nobody fetches for 300 s is removed", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto const forgotten = handler.prepare_request(request_text);
  REQUIRE(forgotten);
  gateway.advance(seconds(299));
  CHECK(handler.prune_callbacks() == 0);
  gateway.advance(seconds(1));

  SUBCASE("by prune_callbacks") { CHECK(handler.prune_callbacks() == 1); }
  SUBCASE("and who comes too late learns why") {
    auto const response = handler.get_response(forgotten->call_id);
    REQUIRE(response);
    CHECK(contains(response->message, R"("status":400)"));
    CHECK(contains(response->message, "Callback time exceeded max threshold"));
  }
  CHECK(gateway.pending_becomes(0));
  auto const gone = handler.get_response(forgotten->call_id);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().problem == Problem::no_connection);
}

TEST_CASE_TEMPLATE("a call that someone awaits is never pruned", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  RequestHandler handler("wsData", gateway.gateway());
  auto service = gateway.service();
  auto waiting =
      std::async(std::launch::async, [&] { return handler.do_request(request_text, std::chrono::hours(1)); });
  auto const call = service.read_call();
  // Slowly enough for the thread to begin to wait.
  for (int i = 0; i < 20; ++i) {
    CHECK(waiting.wait_for(std::chrono::milliseconds(30)) != std::future_status::ready);
    gateway.advance(seconds(20));
  }
  CHECK(handler.prune_callbacks() == 0);
  service.send_text(answer_to(call.id));
  auto const response = value_of(waiting);
  REQUIRE(response);
  CHECK(contains(response->message, R"("status":200)"));
}

TEST_CASE_TEMPLATE("a handler that dies ends its calls, and no others", Shards, OneShard, FourShards) {
  GatewayFixture gateway(Shards::config());
  auto service = gateway.service();
  RequestHandler other("wsData", gateway.gateway());
  auto waiting = ask(other);
  auto const call = service.read_call();
  {
    RequestHandler handler("wsData", gateway.gateway());
    REQUIRE(handler.prepare_request(request_text));
    CHECK(gateway.pending_becomes(2));
  }
  CHECK(gateway.pending_becomes(1));
  service.send_text(answer_to(call.id));
  CHECK(value_of(waiting));
}
