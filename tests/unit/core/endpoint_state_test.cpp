#include "core/endpoint_state.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <vector>

#include "scripted_answers.hpp"

using namespace reachback;
using namespace reachback::core;
using namespace reachback::core::testing;
using Action = AnswerDecision::Action;

namespace {

struct Endpoint {
  EndpointState state{100, &next_call_id};

  proto::CallId begin(CallRequest const& request, TimePoint now = start) {
    auto const placed = state.begin(request, now);
    REQUIRE(placed.has_value());
    return placed->id;
  }
  Action answer(proto::ConnectionId from, proto::Answer const& answer, TimePoint now = start) {
    return state.answer(from, answer, now).action;
  }
};

CallRefusal refusal(EndpointState& state, CallRequest const& request) {
  auto const placed = state.begin(request, start);
  REQUIRE(placed.has_error());
  return placed.error();
}

}  // namespace

TEST_SUITE("endpoint state: connections") {
  TEST_CASE("without connections there is no newest and calls are refused") {
    Endpoint endpoint;
    CHECK_FALSE(endpoint.state.newest().has_value());
    CHECK(endpoint.state.connections().empty());
    CHECK(refusal(endpoint.state, to_newest(1)) == CallRefusal::no_service);
  }

  TEST_CASE("the connection that joined last gets the calls, and the one before it takes over") {
    Endpoint endpoint;
    endpoint.state.join(second_service);
    endpoint.state.join(first_service);
    CHECK(endpoint.state.begin(to_newest(1), start)->connection == first_service);
    CHECK(endpoint.state.leave(first_service).size() == 1);
    CHECK(endpoint.state.begin(to_newest(1), start)->connection == second_service);
    CHECK(endpoint.state.leave(second_service).size() == 1);
    CHECK(refusal(endpoint.state, to_newest(1)) == CallRefusal::no_service);
  }

  TEST_CASE("an older connection that leaves changes nothing for the newest") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    endpoint.state.join(second_service);
    CHECK(endpoint.state.leave(first_service).empty());
    CHECK(endpoint.state.newest() == second_service);
  }

  TEST_CASE("connections are listed in the order in which they joined") {
    Endpoint endpoint;
    for (auto const id : {third_service, first_service, second_service}) endpoint.state.join(id);
    static_cast<void>(endpoint.state.leave(first_service));
    endpoint.state.join(first_service);
    auto const& listed = endpoint.state.connections();
    CHECK(std::vector(listed.begin(), listed.end()) ==
          std::vector{third_service, second_service, first_service});
  }

  TEST_CASE("connections are listed in pages, also behind one that has left") {
    Endpoint endpoint;
    std::vector<proto::ConnectionId> ids;
    for (std::uint64_t i = 1; i <= 5; ++i) {
      ids.push_back(proto::ConnectionId{i});
      endpoint.state.join(ids.back());
    }
    using Page = std::vector<proto::ConnectionId>;
    CHECK(endpoint.state.connections_after(std::nullopt, 2) == Page{ids[0], ids[1]});
    CHECK(endpoint.state.connections_after(ids[1], 2) == Page{ids[2], ids[3]});
    CHECK(endpoint.state.connections_after(ids[3], 2) == Page{ids[4]});
    CHECK(endpoint.state.connections_after(ids[4], 2).empty());
    static_cast<void>(endpoint.state.leave(ids[1]));
    CHECK(endpoint.state.connections_after(ids[1], 2) == Page{ids[2], ids[3]});
  }

  TEST_CASE("joining twice leaves the connection where it is and leaving twice is harmless") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    endpoint.state.join(second_service);
    endpoint.state.join(first_service);
    CHECK(endpoint.state.newest() == second_service);
    CHECK(endpoint.state.connections().size() == 2);
    CHECK(endpoint.state.leave(first_service).empty());
    CHECK(endpoint.state.leave(first_service).empty());
    CHECK_FALSE(endpoint.state.has(first_service));
    CHECK(endpoint.state.has(second_service));
  }

  TEST_CASE("the calls of a connection that has left end in as many turns as are asked for") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    endpoint.state.join(second_service);
    std::vector<proto::CallId> begun;
    for (std::uint32_t i = 0; i < 5; ++i) begun.push_back(endpoint.begin(to_newest(i)));
    std::vector<proto::CallId> ended;
    for (std::size_t const expected : {2, 2, 1, 0}) {
      auto const calls = endpoint.state.leave(second_service, 2);
      CHECK(calls.size() == expected);
      for (auto const& call : calls) ended.push_back(call.id);
      // From the first turn on new calls go elsewhere.
      CHECK_FALSE(endpoint.state.has(second_service));
      CHECK(endpoint.state.newest() == first_service);
    }
    CHECK(ended == begun);
    CHECK(endpoint.state.calls() == 0);
  }

  TEST_CASE("a call of a connection that has left may end otherwise before its turn") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    std::vector<proto::CallId> begun;
    for (std::uint32_t i = 0; i < 3; ++i) begun.push_back(endpoint.begin(to_newest(i)));
    CHECK(endpoint.state.leave(first_service, 1).size() == 1);
    CHECK(endpoint.state.end(begun[1], CallEnd::cancelled).has_value());
    auto const rest = endpoint.state.leave(first_service, 5);
    REQUIRE(rest.size() == 1);
    CHECK(rest[0].id == begun[2]);
  }

  TEST_CASE("a named connection is called although a newer one is there") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    endpoint.state.join(second_service);
    CHECK(endpoint.state.begin(to(first_service, 1), start)->connection == first_service);
    CHECK(endpoint.state.calls_on(first_service) == 1);
    CHECK(endpoint.state.calls_on(second_service) == 0);
  }

  TEST_CASE("a named connection that is not on the endpoint is told apart from an empty endpoint") {
    Endpoint endpoint;
    CHECK(refusal(endpoint.state, to(first_service, 1)) == CallRefusal::no_connection);
    endpoint.state.join(second_service);
    CHECK(refusal(endpoint.state, to(first_service, 1)) == CallRefusal::no_connection);
    CHECK(endpoint.state.calls() == 0);
  }
}

TEST_SUITE("endpoint state: calls") {
  TEST_CASE("the limit of pending calls refuses one more and an end makes room") {
    EndpointState state(2, &next_call_id);
    state.join(first_service);
    auto const one = state.begin(to_newest(1), start);
    REQUIRE(one.has_value());
    REQUIRE(state.begin(to_newest(2), start).has_value());
    CHECK(refusal(state, to_newest(3)) == CallRefusal::endpoint_full);
    CHECK(state.end(one->id, CallEnd::cancelled).has_value());
    CHECK(state.begin(to_newest(3), start).has_value());
    CHECK(refusal(state, to_newest(4)) == CallRefusal::endpoint_full);
  }

  TEST_CASE("a full connection's calls are refused, though an older one has room; a newer one takes them") {
    EndpointState state(100, &next_call_id, 2);
    state.join(first_service);
    state.join(second_service);
    auto const one = state.begin(to_newest(1), start);
    REQUIRE(one.has_value());
    REQUIRE(state.begin(to_newest(2), start).has_value());
    CHECK(state.most_calls_on_one() == 2);
    CHECK(refusal(state, to_newest(3)) == CallRefusal::connection_full);
    CHECK(state.begin(to(first_service, 3), start).has_value());
    CHECK(state.end(one->id, CallEnd::cancelled).has_value());
    CHECK(state.begin(to_newest(4), start).has_value());
    CHECK(refusal(state, to_newest(5)) == CallRefusal::connection_full);
    state.join(proto::ConnectionId{99});
    CHECK(state.begin(to_newest(5), start).has_value());
  }

  TEST_CASE("the limit of the endpoint counts before that of its connection") {
    EndpointState state(1, &next_call_id, 1);
    state.join(first_service);
    REQUIRE(state.begin(to_newest(1), start).has_value());
    CHECK(refusal(state, to_newest(2)) == CallRefusal::endpoint_full);
  }

  TEST_CASE("call ids rise") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const one = endpoint.begin(to_newest(1));
    CHECK(to_number(endpoint.begin(to_newest(1))) > to_number(one));
  }

  TEST_CASE("an answer in one part goes to its caller and ends the call") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const id = endpoint.begin(to_newest(5));
    auto const decision = endpoint.state.answer(first_service, whole(id), start + 3ms);
    CHECK(decision.action == Action::deliver_last);
    CHECK(decision.caller == caller(5));
    CHECK(decision.took == 3ms);
    CHECK_FALSE(decision.ended.has_value());
    CHECK(endpoint.state.calls() == 0);
    CHECK(endpoint.state.calls_on(first_service) == 0);
    CHECK_FALSE(endpoint.state.next_deadline().has_value());
  }

  TEST_CASE("answers of many callers in any order each find their own") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    std::vector<proto::CallId> ids;
    for (std::uint32_t slot = 0; slot < 64; ++slot) ids.push_back(endpoint.begin(to_newest(slot)));
    for (std::uint32_t i = 0; i < 64; ++i) {
      std::uint32_t const slot = (i * 37 + 11) % 64;
      auto const decision = endpoint.state.answer(first_service, whole(ids[slot]), start);
      CHECK(decision.action == Action::deliver_last);
      CHECK(decision.caller == caller(slot));
    }
    CHECK(endpoint.state.calls() == 0);
  }

  TEST_CASE("parts in any order are delivered and the last one to come ends the call") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const id = endpoint.begin(to_newest(1));
    CHECK(endpoint.answer(first_service, part(id, 3, 3)) == Action::deliver);
    CHECK(endpoint.answer(first_service, part(id, 1, 3)) == Action::deliver);
    CHECK(endpoint.answer(first_service, part(id, 2, 3)) == Action::deliver_last);
    CHECK(endpoint.answer(first_service, part(id, 2, 3)) == Action::drop_unknown_call);
  }

  TEST_CASE("a duplicate part is dropped and the call goes on") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const id = endpoint.begin(to_newest(1));
    CHECK(endpoint.answer(first_service, part(id, 1, 2)) == Action::deliver);
    CHECK(endpoint.answer(first_service, part(id, 1, 2)) == Action::drop_duplicate);
    CHECK(endpoint.state.calls() == 1);
    CHECK(endpoint.answer(first_service, part(id, 2, 2)) == Action::deliver_last);
  }

  TEST_CASE("an error answer ends the call as an answer") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const id = endpoint.begin(to_newest(1));
    auto error = whole(id);
    error.status = 500;
    error.has_data = false;
    CHECK(endpoint.answer(first_service, error) == Action::deliver_last);
    CHECK(endpoint.state.calls() == 0);
  }

  TEST_CASE("the message that carries a call is named when the call ends") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const id = endpoint.begin(to_newest(1));
    endpoint.state.sent_as(id, MessageNumber{42});
    auto const ended = endpoint.state.end(id, CallEnd::cancelled);
    REQUIRE(ended.has_value());
    CHECK(ended->message == MessageNumber{42});
    endpoint.state.sent_as(id, MessageNumber{43});
    CHECK(endpoint.state.calls() == 0);
  }
}

TEST_SUITE("endpoint state: deadlines") {
  TEST_CASE("a call ends at its deadline and not before") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const id = endpoint.begin(to_newest(1, 10s));
    CHECK(endpoint.state.next_deadline() == start + 10s);
    CHECK(endpoint.state.expire(start + 10s - 1ns).empty());
    auto const ended = endpoint.state.expire(start + 10s);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].id == id);
    CHECK(ended[0].end == CallEnd::timed_out);
    CHECK(endpoint.state.expire(start + 1h).empty());
  }

  TEST_CASE("two calls with one deadline both end, once each") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const one = endpoint.begin(to_newest(1, 10s));
    auto const two = endpoint.begin(to_newest(2, 10s));
    auto const ended = endpoint.state.expire(start + 10s);
    REQUIRE(ended.size() == 2);
    CHECK(ended[0].id != ended[1].id);
    for (auto const& call : ended) CHECK((call.id == one || call.id == two));
    CHECK(endpoint.state.calls() == 0);
  }

  TEST_CASE("of two calls with one deadline an answered one does not take the other along") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const one = endpoint.begin(to_newest(1, 10s));
    auto const two = endpoint.begin(to_newest(2, 10s));
    CHECK(endpoint.answer(first_service, whole(one), start + 10s) == Action::deliver_last);
    auto const ended = endpoint.state.expire(start + 10s);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].id == two);
  }

  TEST_CASE("each delivered part gives the whole time-out anew") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const id = endpoint.begin(to_newest(1, 10s));
    CHECK(endpoint.answer(first_service, part(id, 1, 3), start + 9s) == Action::deliver);
    CHECK(endpoint.state.expire(start + 18s).empty());
    CHECK(endpoint.answer(first_service, part(id, 2, 3), start + 18s) == Action::deliver);
    CHECK(endpoint.state.next_deadline() == start + 28s);
    auto const ended = endpoint.state.expire(start + 28s);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].part_came);
  }

  TEST_CASE("an answer whose missing part never comes ends by the time-out") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    auto const id = endpoint.begin(to_newest(1, 10s));
    CHECK(endpoint.answer(first_service, part(id, 1, 3)) == Action::deliver);
    CHECK(endpoint.answer(first_service, part(id, 3, 3)) == Action::deliver);
    auto const ended = endpoint.state.expire(start + 10s);
    REQUIRE(ended.size() == 1);
    CHECK(ended[0].id == id);
    CHECK(endpoint.answer(first_service, part(id, 2, 3), start + 10s) == Action::drop_unknown_call);
  }

  TEST_CASE("what is dropped does not move the deadline") {
    Endpoint endpoint;
    endpoint.state.join(first_service);
    endpoint.state.join(second_service);
    auto const id = endpoint.begin(to(first_service, 1, 10s));
    CHECK(endpoint.answer(first_service, part(id, 1, 2), start) == Action::deliver);
    CHECK(endpoint.answer(first_service, part(id, 1, 2), start + 5s) == Action::drop_duplicate);
    CHECK(endpoint.answer(second_service, part(id, 2, 2), start + 5s) == Action::drop_wrong_connection);
    CHECK(endpoint.state.next_deadline() == start + 10s);
  }
}
