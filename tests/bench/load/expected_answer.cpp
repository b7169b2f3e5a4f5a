#include "bench/load/expected_answer.hpp"

#include <algorithm>
#include <stdexcept>

namespace reachback::bench {
namespace {

constexpr std::size_t most_keys = 2048;
constexpr std::string_view data_key = R"("data":")";

}  // namespace

void ExpectedAnswer::begin(std::string_view nonce) {
  nonce_ = nonce;
  piece_ = 0;
  next_piece();
}

void ExpectedAnswer::take(std::string_view bytes) {
  while (!bytes.empty()) {
    if (piece_ == pieces_.size()) throw std::runtime_error("an answer is too long");
    bytes.remove_prefix(in_keys_ ? take_keys(bytes) : take_bytes(bytes));
  }
}

void ExpectedAnswer::finish() const {
  if (piece_ != pieces_.size()) {
    throw std::runtime_error("an answer ends in part " + std::to_string(piece_ + 1) + ": " + keys_);
  }
}

std::size_t ExpectedAnswer::take_keys(std::string_view bytes) {
  auto const before = keys_.size();
  keys_.append(bytes.substr(0, most_keys));
  auto const at = keys_.find(data_key);
  if (at == std::string::npos) {
    if (keys_.size() >= most_keys) throw std::runtime_error("an answer without data: " + keys_);
    return keys_.size() - before;
  }
  keys_.resize(at + data_key.size());
  std::string const part = R"("partId":)" + std::to_string(piece_ + 1) + ',';
  if (keys_.find(R"("nonce":")" + nonce_ + '"') == std::string::npos ||
      keys_.find(part) == std::string::npos) {
    throw std::runtime_error("the nonce " + nonce_ + " was answered, not by its " + part + ' ' + keys_);
  }
  in_keys_ = false;
  return keys_.size() - before;
}

std::size_t ExpectedAnswer::take_bytes(std::string_view bytes) {
  auto const wanted = pieces_[piece_].bytes.substr(done_, bytes.size());
  if (bytes.substr(0, wanted.size()) != wanted) {
    throw std::runtime_error("part " + std::to_string(piece_ + 1) + " is wrong after " +
                             std::to_string(done_) + " bytes or later");
  }
  done_ += wanted.size();
  if (done_ == pieces_[piece_].bytes.size()) {
    ++piece_;
    next_piece();
  }
  return wanted.size();
}

void ExpectedAnswer::next_piece() {
  done_ = 0;
  keys_.clear();
  in_keys_ = piece_ < pieces_.size() && pieces_[piece_].keys == Keys::before;
}

ExpectedAnswer expect(LargeAnswer const& answer, Form form, std::string_view merged_tail) {
  using Keys = ExpectedAnswer::Keys;
  ExpectedAnswer expected;
  if (form == Form::octets) {
    expected.add(Keys::none, answer.payload());
  } else if (form == Form::lines) {
    for (auto const& part : answer.parts()) expected.add(Keys::before, part.tail);
  } else if (answer.parts().size() > 1) {
    expected.add(Keys::before, merged_tail);
  } else {
    std::string_view const line = answer.parts().front().tail;
    expected.add(Keys::before, line.substr(0, line.size() - 1));
  }
  return expected;
}

}  // namespace reachback::bench
