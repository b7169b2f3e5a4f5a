#include "reachback/proto/part_decoder.hpp"

#include <algorithm>
#include <utility>

#include "inflater.hpp"
#include "reachback/proto/base64.hpp"
#include "reachback/proto/md5.hpp"

namespace reachback::proto {

namespace {

constexpr std::size_t quad = 4;
// zlib counts in int.
constexpr std::size_t longest_slice = std::size_t{1} << 28;
// zlib's documentation: no stream inflates by more than this.
constexpr std::size_t greatest_ratio = 1032;

bool is_size(JsonValue const& value) { return value.integer().value_or(-1) >= 0; }

}  // namespace

struct PartDecoder::Impl {
  Answer answer;
  std::size_t limit = 0;  // no payload byte beyond this
  std::optional<std::size_t> announced;
  std::string_view rest;  // of the string's body, escaped
  std::string letters;    // of base64, unescaped, not yet decoded
  std::string bytes;      // decoded; what the inflater is reading
  std::unique_ptr<Inflater> inflater;
  std::optional<Md5> md5;
  std::string payload;
  std::string fault;
  bool over_limit = false;
  State state = State::more;

  State step(std::size_t slice);
  bool check_head(std::size_t part_limit);
  void take_letters(std::size_t slice);
  bool decode();
  bool produce(std::size_t slice);
  bool inflate_some(std::size_t slice);
  bool check_end();
  [[nodiscard]] bool input_ended() const { return rest.empty() && letters.empty(); }
  bool fail(char const* why);
};

// Always false, for the caller to pass on.
bool PartDecoder::Impl::fail(char const* why) {
  fault = why;
  state = State::bad;
  payload = {};
  return false;
}

bool PartDecoder::Impl::check_head(std::size_t part_limit) {
  limit = part_limit;
  if (answer.data.present() && answer.data.kind != JsonKind::string) return fail("data is not a string");
  if (answer.hash.present()) {
    if (answer.hash.kind != JsonKind::string) return fail("hash is not a string");
    md5.emplace();
  }
  if (answer.data_size.present()) {
    if (!is_size(answer.data_size)) return fail("dataSize is not a size");
    announced = static_cast<std::size_t>(*answer.data_size.integer());
    limit = std::min(limit, *announced);
  }
  rest = answer.data.string_body();
  bool const compressed = answer.has_data && answer.compressed.is_true();
  if (compressed) inflater = std::make_unique<Inflater>();
  std::size_t const most = rest.size() / quad * 3 * (compressed ? greatest_ratio : 1);
  // The inflater asks for a slice of room whether or not it fills it.
  payload.reserve(std::min(limit, most) + default_slice);
  return true;
}

PartDecoder::State PartDecoder::Impl::step(std::size_t slice) {
  if (state != State::more) return state;
  if (!inflater || (inflater->hungry() && !input_ended())) {
    take_letters(slice);
    if (!decode()) return state;
  }
  (void)produce(slice);
  return state;
}

void PartDecoder::Impl::take_letters(std::size_t slice) {
  std::size_t const wanted = letters.size() + slice;
  while (!rest.empty() && letters.size() < wanted) {
    auto const plain = rest.substr(0, wanted - letters.size());
    std::size_t const run = std::min(plain.find('\\'), plain.size());
    letters.append(plain.substr(0, run));
    rest.remove_prefix(run);
    if (run == plain.size()) continue;
    // One escape at a time, so that none is cut in two. What is no ASCII after it is no base64 either.
    auto const escape_sequence = rest.substr(0, rest.substr(1).starts_with('u') ? 6 : 2);
    letters += unescape(escape_sequence);
    rest.remove_prefix(escape_sequence.size());
  }
}

// Takes all whole quads of `letters`.
bool PartDecoder::Impl::decode() {
  bool const is_last = rest.empty();
  auto const whole = std::string_view(letters).substr(0, letters.size() / quad * quad);
  if (is_last && whole.size() != letters.size())
    return fail("the length of data's base64 is no multiple of 4");
  bytes.clear();
  if (!decode_base64(whole, is_last ? Padding::allowed : Padding::refused, bytes)) {
    return fail("data is no base64");
  }
  letters.erase(0, whole.size());
  if (inflater) inflater->feed(bytes);
  return true;
}

bool PartDecoder::Impl::produce(std::size_t slice) {
  std::size_t const before = payload.size();
  if (!inflater) {
    payload += bytes;
  } else if (!inflate_some(slice)) {
    return false;
  }
  if (payload.size() > limit) {
    over_limit = limit != announced;
    return fail(limit == announced ? "the part is longer than its dataSize"
                                   : "the part is longer than a part may be");
  }
  if (md5) md5->update(std::string_view(payload).substr(before));
  bool const at_end = inflater ? state == State::done : input_ended();
  return !at_end || check_end();
}

// Sets `done` at the end of the compressed stream.
bool PartDecoder::Impl::inflate_some(std::size_t slice) {
  // One byte over the limit, so that too much is told from just enough.
  std::size_t const room = std::min(slice - 1, limit - payload.size()) + 1;
  std::size_t const before = payload.size();
  switch (inflater->append(payload, room)) {
    case Inflater::Result::corrupt:
      return fail("the compressed data is corrupt");
    case Inflater::Result::end:
      if (!inflater->hungry() || !input_ended()) return fail("bytes follow the compressed data");
      state = State::done;
      return true;
    case Inflater::Result::more:
      break;
  }
  if (inflater->hungry() && input_ended() && payload.size() == before)
    return fail("the compressed data is cut short");
  return true;
}

bool PartDecoder::Impl::check_end() {
  if (announced && payload.size() != *announced) return fail("the part is shorter than its dataSize");
  if (md5 && !same_hex(md5->finish(), unescape(answer.hash.string_body())))
    return fail("the part does not match its hash");
  state = State::done;
  return true;
}

PartDecoder::PartDecoder(Answer const& answer, std::size_t part_limit) : impl_(std::make_unique<Impl>()) {
  impl_->answer = answer;
  impl_->check_head(part_limit);
}
PartDecoder::~PartDecoder() = default;
PartDecoder::PartDecoder(PartDecoder&&) noexcept = default;
PartDecoder& PartDecoder::operator=(PartDecoder&&) noexcept = default;

PartDecoder::State PartDecoder::step(std::size_t slice) {
  return impl_->step(std::clamp<std::size_t>(slice, 1, longest_slice));
}

std::string const& PartDecoder::fault() const { return impl_->fault; }
bool PartDecoder::over_limit() const { return impl_->over_limit; }
std::string PartDecoder::take_payload() { return std::move(impl_->payload); }

}  // namespace reachback::proto
