#include "client/answer_pace.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace reachback;
using client::AnswerPace;

namespace {

struct Told {
  std::vector<std::uint32_t> parts;
  AnswerPace::Reply reply() {
    return [this](std::uint32_t allowed) { parts.push_back(allowed); };
  }
};

using Parts = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("an answer that is not paced may send all of its parts") {
  CHECK(AnswerPace::unasked(core::Pacing::none) == UINT32_MAX);
  CHECK(AnswerPace::unasked(core::Pacing::credits) == 2);
}

TEST_CASE("who asks is told at once what is allowed, or when credit comes") {
  Told told;
  AnswerPace pace;
  pace.credit(2);
  pace.credit(1);
  pace.ask(told.reply());
  CHECK(told.parts == Parts{3});
  pace.ask(told.reply());
  CHECK(told.parts == Parts{3});
  pace.credit(5);
  CHECK(told.parts == Parts{3, 5});
  pace.credit(1);
  CHECK(told.parts == Parts{3, 5});
}

TEST_CASE("who waits, and who asks later, is told when the answer is cancelled") {
  Told told;
  AnswerPace pace;
  SUBCASE("while it waits") {
    pace.ask(told.reply());
    pace.cancel();
  }
  SUBCASE("before it asks, with credit left") {
    pace.credit(4);
    pace.cancel();
    pace.ask(told.reply());
  }
  CHECK(told.parts == Parts{0});
  pace.cancel();
  pace.credit(1);
  CHECK(told.parts == Parts{0});
}

TEST_CASE("more credit than can be counted is as much as can be counted") {
  Told told;
  AnswerPace pace;
  pace.credit(UINT32_MAX);
  pace.credit(UINT32_MAX);
  pace.ask(told.reply());
  CHECK(told.parts == Parts{UINT32_MAX});
}
