// What a service of ours repeats of a request, which is a gateway's word: the answer to it is JSON and finds
// its call, whatever the request had in it.
#include "reachback/proto/part_cutter.hpp"

#include <string>

#include "boost_json.hpp"
#include "reachback/proto/answer.hpp"
#include "reachback/proto/utf8.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

void check_answer(std::string_view text, proto::CallId id, std::int64_t status) {
  auto const answer = proto::read_answer(text);
  expect(answer.has_value(), "a gateway takes the answer");
  expect(answer->call_id == id && answer->status == status, "it finds its call");
  auto const boost = boost_opinion(text, 600);
  expect(!boost.comparable || (boost.value && boost.value->is_object()), "it is JSON for Boost.JSON, too");
}

void run(std::string_view input) {
  auto const echo = proto::echo_of_request(input);
  if (!echo) return expect(!echo.error().empty(), "what is no request says why");
  expect(proto::to_number(echo->call_id) <= proto::max_call_id, "a callId fits into a double");
  expect(echo->members.size() <= 20 * 1024, "an echo is short");
  proto::PayloadHead const head{proto::DataSerialization::bytes, 5, proto::md5_hex("hello")};
  auto const part = proto::cut_part(*echo, head, 1, "hello");
  check_answer(part, echo->call_id, 200);
  auto const answer = proto::read_answer(part);
  expect(answer->has_data && answer->position && answer->position->count == 1, "the answer is one part");
  check_answer(proto::error_answer(*echo, input.substr(0, 100)), echo->call_id, 400);
  if (proto::is_valid_utf8(input)) expect(proto::is_valid_utf8(part), "what is text stays text");
}

Registration const registration("part_cutter", run);

}  // namespace
}  // namespace reachback::fuzz
