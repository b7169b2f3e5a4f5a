#include "gateway/answer_form.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "reachback/proto/base64.hpp"
#include "reachback/proto/part_decoder.hpp"
#include "reachback/proto/part_merger.hpp"

namespace reachback::gateway {
namespace {

using proto::PartDecoder;

constexpr std::string_view json_type = "application/json";
constexpr std::string_view ndjson_type = "application/x-ndjson";
constexpr std::string_view octet_type = "application/octet-stream";
/// A multiple of three, so that base64 has no padding between slices.
constexpr std::size_t encode_slice = 192 * 1024;

/// Of a text that is passed on as it is: a chunk of the answer. With its lines it fits into what a session
/// writes in two turns.
constexpr std::size_t text_slice = 1008 * 1024;
/// An error message of a service stands inside the problem document up to this size.
constexpr std::size_t longest_service_message = 1024 * 1024;

/// Of the head that `AnswerForm::head` makes.
constexpr std::size_t usual_field_bytes = 192;

/// `Server-Timing`, in milliseconds with three decimals. By hand: every answer has it, and formatting floats
/// would cost as much as all the rest of the head.
class Timing {
 public:
  Timing(core::Duration gateway, core::Duration service) {
    add("gateway;dur=", gateway);
    add(", service;dur=", service);
  }
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

 private:
  void add(std::string_view name, core::Duration duration) {
    auto const microseconds =
        std::chrono::duration_cast<std::chrono::microseconds>(std::max(duration, core::Duration(0))).count();
    char* at = std::copy(name.begin(), name.end(), text_.data() + size_);
    at = std::to_chars(at, text_.data() + text_.size(), microseconds / 1000).ptr;
    *at++ = '.';
    for (auto digit = microseconds % 1000, unit = decltype(digit){100}; unit != 0;
         digit %= unit, unit /= 10) {
      *at++ = static_cast<char>('0' + digit / unit);
    }
    size_ = static_cast<std::size_t>(at - text_.data());
  }

  std::array<char, 80> text_;
  std::size_t size_ = 0;
};

/// Inside strings, CR and LF are always escaped: these stand between tokens. Without a branch, so that the
/// compiler makes vector instructions of it.
void blank_line_breaks(char* text, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    char const c = text[i];
    text[i] = ((c == '\r') | (c == '\n')) ? ' ' : c;
  }
}

/// Every part verbatim as one line.
class NdjsonForm final : public AnswerForm {
 public:
  using AnswerForm::AnswerForm;

  async::Task<Taken> take(std::unique_ptr<Part> part) override {
    bool written = true;
    if (!exchange_.session.began()) written = co_await exchange_.begin(head(*part, ndjson_type));
    for (std::size_t at = 0; written && at < part->text.size(); at += text_slice) {
      if (at != 0) {
        async::Backlog const backlog(exchange_.scope.shard);
        co_await exchange_.scope.shard.yield();
      }
      char* const slice = part->text.data() + at;
      std::size_t const size = std::min(text_slice, part->text.size() - at);
      if (part->answer.has_line_break) blank_line_breaks(slice, size);
      bool const ends = at + size == part->text.size();
      written = co_await exchange_.session.write({slice, size}, ends ? "\n" : "");
    }
    if (written && part->last) written = co_await exchange_.session.finish();
    co_return written ? Taken::ok : Taken::caller_gone;
  }

  async::Task<> break_off(CallFailure const& failure) override {
    int const status = failure.failure.problem == Problem::service_closed
                           ? proto::closed_status
                           : proto::http_status_of(failure.failure.problem);
    std::string const line = proto::error_message("unknown", status, failure.failure.detail, failure.call_id);
    bool const written = co_await exchange_.session.write(line, "\n");
    if (written) co_await exchange_.session.finish();
  }
};

/// What the forms have in common that give the payload, not the parts: parts in the order of their numbers,
/// each decoded and checked before anything of it is passed on.
class PayloadForm : public AnswerForm {
 public:
  using AnswerForm::AnswerForm;

  async::Task<Taken> take(std::unique_ptr<Part> part) override {
    complete_ = complete_ || part->last;
    if (part->answer.status != 200) {
      Taken const taken = co_await take_error(std::move(part));
      co_return taken;
    }
    if (!checker_.expect(part->answer)) {
      fault_ = "fileHash or fileSize is malformed or differs between parts";
      co_return Taken::bad_answer;
    }
    std::uint32_t const id = part->answer.position->id;
    waiting_.emplace(id, std::move(part));
    Taken taken = Taken::ok;
    while (taken == Taken::ok && !waiting_.empty() && waiting_.begin()->first == next_id_) {
      auto next = std::move(waiting_.extract(waiting_.begin()).mapped());
      ++next_id_;
      taken = co_await pass_on(std::move(next));
    }
    co_return taken;
  }

 protected:
  virtual async::Task<Taken> take_error(std::unique_ptr<Part> part) = 0;
  /// A single part: the whole answer. `payload` has been checked.
  virtual async::Task<Taken> write_single(std::unique_ptr<Part> part, std::string payload) = 0;
  /// What stands before the payload of several parts.
  virtual async::Task<Taken> write_first(Part const& part) = 0;
  virtual async::Task<bool> write_payload(std::string_view payload) = 0;
  virtual async::Task<bool> write_end() = 0;

  async::Task<> give_way() { return exchange_.scope.shard.yield(); }

 private:
  async::Task<Taken> pass_on(std::unique_ptr<Part> part) {
    std::optional<std::string> payload = co_await decode(*part);
    if (!payload) co_return Taken::bad_answer;
    // Every part is here and this is the one with the highest number.
    bool const end = complete_ && waiting_.empty();
    if (end && !checker_.finish()) {
      fault_ = "the payload does not match fileHash and fileSize";
      co_return Taken::bad_answer;
    }
    if (part->answer.position->count == 1) {
      Taken const taken = co_await write_single(std::move(part), std::move(*payload));
      co_return taken;
    }
    if (!exchange_.session.began()) {
      Taken const taken = co_await write_first(*part);
      if (taken != Taken::ok) co_return taken;
    }
    bool written = co_await write_payload(*payload);
    if (written && end) written = co_await write_end();
    co_return written ? Taken::ok : Taken::caller_gone;
  }

  async::Task<std::optional<std::string>> decode(Part const& part) {
    std::optional<std::string> payload;
    async::Backlog const backlog(exchange_.scope.shard);
    PartDecoder decoder(part.answer, exchange_.core.config().limits.part);
    auto state = decoder.step();
    while (state == PartDecoder::State::more) {
      co_await give_way();
      state = decoder.step();
    }
    if (state == PartDecoder::State::bad) {
      if (decoder.over_limit()) exchange_.count(core::Bound::part_limit);
      fault_ = decoder.fault();
      co_return payload;
    }
    payload = decoder.take_payload();
    if (part.answer.position->count == 1 && checker_.take_single(part.answer, payload->size()))
      co_return payload;
    for (std::size_t at = 0; at < payload->size(); at += PartDecoder::default_slice) {
      if (at != 0) co_await give_way();
      if (!checker_.update(std::string_view(*payload).substr(at, PartDecoder::default_slice))) {
        fault_ = "the payload is longer than fileSize";
        payload.reset();
        break;
      }
    }
    co_return payload;
  }

  proto::PayloadChecker checker_;
  std::map<std::uint32_t, std::unique_ptr<Part>> waiting_;
  std::uint32_t next_id_ = 1;
  bool complete_ = false;
};

/// One message object: a single part verbatim, the parts of a multi-part answer merged.
class JsonForm final : public PayloadForm {
 public:
  using PayloadForm::PayloadForm;

  bool take_soon(Part const& part) override {
    if (!is_verbatim(part) || part.text.size() > net::HttpSession::most_soon) return false;
    exchange_.session.respond_soon(answer_head(part, json_type), part.text.view());
    return true;
  }

  async::Task<Taken> take(std::unique_ptr<Part> part) override {
    if (!is_verbatim(*part)) return PayloadForm::take(std::move(part));
    std::string_view const body = part->text.view();
    return respond(std::move(part), json_type, body);
  }

 protected:
  async::Task<Taken> take_error(std::unique_ptr<Part>) override {
    fault_ = "the answer ended with an error after its first part";
    co_return Taken::bad_answer;
  }

  async::Task<Taken> write_single(std::unique_ptr<Part> part, std::string) override {
    std::string_view const body = part->text.view();
    return respond(std::move(part), json_type, body);
  }

  async::Task<Taken> write_first(Part const& part) override {
    proto::MergedHead merged(part.text.view());
    auto state = merged.step();
    while (state == proto::MergedHead::State::more) {
      co_await give_way();
      state = merged.step();
    }
    if (state == proto::MergedHead::State::bad) {
      fault_ = merged.fault();
      co_return Taken::bad_answer;
    }
    bool written = co_await exchange_.begin(head(part, json_type));
    for (auto piece = merged.next_piece(); written && !piece.empty(); piece = merged.next_piece()) {
      written = co_await exchange_.session.write(piece);
      co_await give_way();
    }
    co_return written ? Taken::ok : Taken::caller_gone;
  }

  async::Task<bool> write_payload(std::string_view payload) override {
    bool written = true;
    for (std::size_t at = 0; written && at < payload.size(); at += encode_slice) {
      if (at != 0) co_await give_way();
      std::string encoded;
      encoder_.update(payload.substr(at, encode_slice), encoded);
      written = co_await exchange_.session.write(encoded);
    }
    co_return written;
  }

  async::Task<bool> write_end() override {
    std::string rest;
    encoder_.finish(rest);
    bool written = co_await exchange_.session.write(rest, proto::merged_tail);
    if (written) written = co_await exchange_.session.finish();
    co_return written;
  }

 private:
  /// Whether the part is the whole answer, and is passed on as it stands.
  [[nodiscard]] bool is_verbatim(Part const& part) const {
    return part.last && !exchange_.session.began() &&
           (part.answer.status != 200 || !part.answer.has_data || part.answer.position->count == 1);
  }

  proto::Base64Encoder encoder_;
};

/// The payload's bytes.
class OctetForm final : public PayloadForm {
 public:
  using PayloadForm::PayloadForm;

 protected:
  async::Task<Taken> take_error(std::unique_ptr<Part> part) override {
    if (part->text.size() <= longest_service_message) fault_ = std::string(part->text.view());
    co_return Taken::service_error;
  }

  async::Task<Taken> write_single(std::unique_ptr<Part> part, std::string payload) override {
    Taken const taken = co_await respond(std::move(part), octet_type, payload);
    co_return taken;
  }

  async::Task<Taken> write_first(Part const& part) override {
    bool const written = co_await exchange_.begin(head(part, octet_type));
    co_return written ? Taken::ok : Taken::caller_gone;
  }
  async::Task<bool> write_payload(std::string_view payload) override {
    bool const written = co_await exchange_.session.write(payload);
    co_return written;
  }
  async::Task<bool> write_end() override {
    bool const written = co_await exchange_.session.finish();
    co_return written;
  }
};

}  // namespace

std::unique_ptr<AnswerForm> AnswerForm::make(FormName name, Exchange& exchange,
                                             std::chrono::steady_clock::time_point asked_at) {
  switch (name) {
    case FormName::ndjson:
      return std::make_unique<NdjsonForm>(exchange, asked_at);
    case FormName::octet_stream:
      return std::make_unique<OctetForm>(exchange, asked_at);
    case FormName::json:
      break;
  }
  return std::make_unique<JsonForm>(exchange, asked_at);
}

async::Task<> AnswerForm::break_off(CallFailure const&) {
  exchange_.session.abort();
  co_return;
}

net::HttpResponse AnswerForm::head(Part const& part, std::string_view content_type) const {
  net::HttpResponse response;
  response.content_type = content_type;
  response.fields.reserve(usual_field_bytes);
  if (part.answer.status >= 0) {
    response.fields.add("Reachback-Status", static_cast<std::uint64_t>(part.answer.status));
  } else {
    response.fields.add("Reachback-Status", std::to_string(part.answer.status));
  }
  response.fields.add("Reachback-Call-Id", proto::to_number(part.answer.call_id));
  response.fields.add("Reachback-Connection",
                      proto::to_number(exchange_.caller.connection().value_or(ConnectionId{})));
  auto const total = exchange_.scope.shard.now() - asked_at_;
  response.fields.add("Server-Timing", Timing(total - part.took, part.took).text());
  return response;
}

net::HttpResponse AnswerForm::answer_head(Part const& part, std::string_view content_type) const {
  net::HttpResponse response = head(part, content_type);
  response.fields.add(exchange_.cors.text());
  return response;
}

async::Task<Taken> AnswerForm::respond(std::unique_ptr<Part> part, std::string_view content_type,
                                       std::string_view body) {
  net::HttpResponse const response = answer_head(*part, content_type);
  bool const written = co_await exchange_.session.respond(response, body);
  co_return written ? Taken::ok : Taken::caller_gone;
}

}  // namespace reachback::gateway
