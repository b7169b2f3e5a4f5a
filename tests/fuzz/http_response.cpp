// Our client's reading of a gateway's answers, which may be anybody's: the same whatever pieces they come in,
// and within the limits.
#include <string>

#include "pieces.hpp"
#include "target.hpp"
#include "wire/http_parser.hpp"

namespace reachback::fuzz {
namespace {

using wire::HttpFault;
using wire::HttpProgress;

constexpr wire::HttpLimits limits{.head = 700, .body = 1000};

/// A response, and what was left behind it.
struct Answer {
  HttpProgress progress = HttpProgress::head;
  HttpFault fault = HttpFault::none;
  wire::HttpResponseHead head;
  std::string body;
  std::size_t left = 0;
};

Answer read(std::string_view bytes, Cut cut) {
  wire::HttpResponseParser parser(limits);
  Pieces pieces(cut, bytes);
  auto const open = [&] {
    return parser.progress() == HttpProgress::head || parser.progress() == HttpProgress::body;
  };
  std::string waiting;
  while (open()) {
    std::size_t const taken = parser.feed(waiting);
    expect(taken <= waiting.size(), "no more is taken than there is");
    waiting.erase(0, taken);
    if (taken != 0 || !open()) continue;
    expect(waiting.size() <= limits.head, "no more is kept waiting than a head may have");
    if (bytes.empty()) break;
    waiting += pieces.take(bytes);
  }
  if (open()) parser.end_of_stream();
  expect(!open(), "the end of the stream ends an answer");
  expect(parser.body().size() <= limits.body, "a body is within the limit");
  Answer answer{parser.progress(), parser.fault(), {}, {}, waiting.size() + bytes.size()};
  if (answer.progress == HttpProgress::done) {
    answer.head = parser.head();
    answer.body = parser.body();
  }
  return answer;
}

/// A head that comes in pieces may be judged when all of it is there, or never.
bool is_told_later(Answer const& whole, Answer const& in_pieces) {
  return whole.fault == HttpFault::bad_syntax &&
         (in_pieces.fault == HttpFault::cut_off || in_pieces.fault == HttpFault::head_too_large);
}

void check(Answer const& answer) {
  expect((answer.progress == HttpProgress::failed) == (answer.fault != HttpFault::none),
         "what failed says why");
  if (answer.progress != HttpProgress::done) return;
  expect(answer.head.status >= 0 && answer.head.status <= 999, "a status has three digits");
  expect(answer.head.status / 100 != 1 || answer.head.status == 101, "interim answers are passed over");
  auto const& fields = answer.head.fields;
  for (std::size_t i = 0; i < fields.size(); ++i)
    expect(fields[i].value.find_first_of("\r\n") == std::string_view::npos, "a value is one line");
}

void run(std::string_view input) {
  auto const answer = read(input, Cut::whole);
  check(answer);
  for (auto const cut : {Cut::single_bytes, Cut::mixed}) {
    auto const other = read(input, cut);
    if (is_told_later(answer, other)) continue;
    expect(other.progress == answer.progress && other.fault == answer.fault, "the same outcome");
    expect(other.head.status == answer.head.status && other.body == answer.body, "the same answer");
    expect(other.head.keep_alive == answer.head.keep_alive, "the same connection");
    expect(other.head.fields.size() == answer.head.fields.size(), "the same fields");
    if (answer.progress == HttpProgress::done)
      expect(other.left == answer.left, "the same bytes behind the answer");
  }
}

Registration const registration("http_response", run);

}  // namespace
}  // namespace reachback::fuzz
