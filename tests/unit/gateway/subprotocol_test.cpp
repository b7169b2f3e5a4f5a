#include "gateway/subprotocol.hpp"

#include <doctest/doctest.h>

using namespace reachback;
using core::Pacing;

namespace {

Pacing asked(std::initializer_list<std::string_view> offers, EndpointKind kind = EndpointKind::service) {
  wire::HttpFields fields;
  for (auto const offer : offers) fields.add("Sec-WebSocket-Protocol", offer);
  return gateway::asked_pacing(fields, kind);
}

}  // namespace

TEST_SUITE("the subprotocol") {
  TEST_CASE("it is chosen when it was offered, alone or among others") {
    CHECK(asked({"reachback.v1"}) == Pacing::credits);
    CHECK(asked({"mqtt, reachback.v1"}) == Pacing::credits);
    CHECK(asked({"reachback.v1 ,mqtt"}) == Pacing::credits);
    CHECK(asked({"mqtt", "\treachback.v1"}) == Pacing::credits);
    CHECK(gateway::subprotocol_of(Pacing::credits) == "reachback.v1");
  }

  TEST_CASE("nothing else is chosen") {
    CHECK(asked({}) == Pacing::none);
    CHECK(asked({""}) == Pacing::none);
    CHECK(asked({","}) == Pacing::none);
    CHECK(asked({"mqtt"}) == Pacing::none);
    CHECK(asked({"reachback.v2, reachback.v11, reachback"}) == Pacing::none);
    CHECK(gateway::subprotocol_of(Pacing::none).empty());
  }

  TEST_CASE("letter case counts: the client would not know its own offer again") {
    CHECK(asked({"Reachback.V1"}) == Pacing::none);
  }

  TEST_CASE("only endpoints that answer calls speak it") {
    CHECK(asked({"reachback.v1"}, EndpointKind::broadcast) == Pacing::none);
    CHECK(asked({"reachback.v1"}, EndpointKind::reject) == Pacing::none);
  }
}
