// An answer's parts: cut from a payload by our own services, in any order and some of them twice, they give
// the payload back; and what is no such part (the input from its first line break) is decoded the same in
// whatever slices.
#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "boost_json.hpp"
#include "input.hpp"
#include "pieces.hpp"
#include "reachback/proto/answer.hpp"
#include "reachback/proto/base64.hpp"
#include "reachback/proto/md5.hpp"
#include "reachback/proto/part_cutter.hpp"
#include "reachback/proto/part_decoder.hpp"
#include "reachback/proto/part_merger.hpp"
#include "reachback/proto/part_tracker.hpp"
#include "reachback/proto/payload_checker.hpp"
#include "target.hpp"

namespace reachback::fuzz {
namespace {

using proto::PartVerdict;

constexpr std::size_t part_limit = 100'000;

struct Decoded {
  proto::PartDecoder::State state;
  std::string payload;
  std::string fault;
};

Decoded decode(proto::Answer const& answer, std::size_t slice) {
  proto::PartDecoder decoder(answer, part_limit);
  auto state = decoder.step(slice);
  while (state == proto::PartDecoder::State::more) state = decoder.step(slice);
  return {state, decoder.take_payload(), decoder.fault()};
}

Decoded decode_in_any_slice(proto::Answer const& answer) {
  auto const whole = decode(answer, 1 << 20);
  for (std::size_t const slice : {1u, 5u, 640u}) {
    if (whole.payload.size() > 300 * slice) continue;
    auto const other = decode(answer, slice);
    expect(other.state == whole.state && other.payload == whole.payload, "the same in any slices");
  }
  return whole;
}

std::string merged_head(std::string_view text, std::size_t slice) {
  proto::MergedHead head(text);
  auto state = head.step(slice);
  while (state == proto::MergedHead::State::more) state = head.step(slice);
  std::string all;
  if (state == proto::MergedHead::State::bad) return all;
  for (auto piece = head.next_piece(slice); !piece.empty(); piece = head.next_piece(slice)) all += piece;
  return all;
}

void check_merged(std::string_view text) {
  auto const head = merged_head(text, 1 << 20);
  expect(merged_head(text, 7) == head, "the same head in any slices");
  if (head.empty()) return;
  auto const whole = head + std::string(proto::merged_tail);
  auto const answer = proto::read_answer(whole);
  expect(answer && answer->has_data && answer->data.string_body().empty(), "a merged head is an answer's");
  expect(answer->position && answer->position->count == 1, "a merged answer is one part");
  expect(!answer->compressed.is_true(), "a merged answer is not compressed");
  auto const boost = boost_opinion(whole, 600);
  expect(!boost.comparable || boost.value, "a merged answer is JSON");
}

void check_foreign(std::string_view text) {
  auto const answer = proto::read_answer(text);
  if (!answer) return;
  check_merged(text);
  proto::PartTracker tracker;
  auto const verdict = tracker.accept(*answer);
  if (verdict != PartVerdict::bad) expect(tracker.received() == 1, "one part has come");
  auto const decoded = decode_in_any_slice(*answer);
  if (decoded.state != proto::PartDecoder::State::done)
    return expect(!decoded.fault.empty() && decoded.payload.empty(),
                  "what is bad has a fault and no payload");
  expect(decoded.payload.size() <= part_limit, "a payload is within the limit");
  if (answer->hash.present())
    expect(proto::same_hex(proto::md5_hex(decoded.payload), proto::unescape(answer->hash.string_body())),
           "a payload has its hash");
  if (auto const size = answer->data_size.integer())
    expect(static_cast<std::size_t>(*size) == decoded.payload.size(), "a payload has its size");
}

/// A payload's slices, each the text of a part. The announced size decides how many there are and whether
/// they are compressed, so that small ones will do.
class Parts {
 public:
  explicit Parts(Input& script) {
    count_ = script.number(1, 5);
    bool const compressed = count_ > 1 || script.flag();
    if (count_ > 1)
      head_.file_size = (count_ - 1) * proto::part_size + 1;
    else if (compressed)
      head_.file_size = proto::compress_above + 1;
    auto const request = R"({"cmd":"rpc","callId":7,"data":"x","class":"C"})";
    auto const echo = *proto::echo_of_request(request);
    for (std::uint32_t id = 1; id <= count_; ++id) {
      slices_.emplace_back(script.text(script.number(0, 60)));
      if (script.flag()) slices_.back() += std::string(100 * script.number(1, 200), 'z');
      whole_ += slices_.back();
    }
    head_.file_hash = proto::md5_hex(whole_);
    if (count_ == 1 && !compressed) head_.file_size = whole_.size();
    for (std::uint32_t id = 1; id <= count_; ++id)
      texts_.push_back(proto::cut_part(echo, head_, id, slices_[id - 1]));
  }

  /// In the order of the script, with doubles, until all have come.
  void receive(Input& script) {
    proto::PartTracker tracker;
    std::vector<std::string> came(count_);
    std::vector<bool> has(count_);
    for (std::size_t turn = 0; std::ranges::count(has, false) != 0; ++turn) {
      std::size_t const index = turn < 40 ? script.number(0, count_ - 1) : turn % count_;
      auto const answer = *proto::read_answer(texts_[index]);
      auto const verdict = tracker.accept(answer);
      if (has[index]) {
        expect(verdict == PartVerdict::duplicate, "a part that comes twice is told");
        continue;
      }
      has[index] = true;
      bool const last = std::ranges::count(has, false) == 0;
      expect(verdict == (last ? PartVerdict::deliver_last : PartVerdict::deliver),
             "the last part ends the answer");
      expect(tracker.missing() == static_cast<std::size_t>(std::ranges::count(has, false)),
             "it is known how many are missing");
      came[index] = decode_in_any_slice(answer).payload;
    }
    expect(came == slices_, "the merged equals the original");
    check_whole();
  }

 private:
  void check_whole() const {
    proto::PayloadChecker checker;
    std::string hash_only = texts_.front();
    for (auto const& slice : slices_) (void)checker.update(slice);
    expect(checker.finish(), "nothing announced, nothing to miss");
    check_merged(texts_.front());
    if (count_ != 1 || head_.file_size != whole_.size()) return;
    proto::PayloadChecker whole;
    auto const answer = *proto::read_answer(texts_.front());
    expect(whole.expect(answer) && whole.update(whole_) && whole.finish(), "a payload is as announced");
    proto::PayloadChecker other;
    expect(!(other.expect(answer) && other.update(whole_ + "x") && other.finish()), "another one is not");
  }

  std::uint32_t count_ = 1;
  proto::PayloadHead head_;
  std::vector<std::string> slices_, texts_;
  std::string whole_;
};

void run(std::string_view input) {
  if (input.starts_with('{')) return check_foreign(input);
  Input script(input);
  Parts parts(script);
  parts.receive(script);
}

Registration const registration("part_assembly", run);

}  // namespace
}  // namespace reachback::fuzz
