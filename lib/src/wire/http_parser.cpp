#include "wire/http_parser.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

// The one place where Beast's own sources are compiled.
#include <boost/beast/src.hpp>

#include "wire/authority.hpp"

namespace reachback::wire {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

/// A body is not given more than this in advance, whatever length its head announces.
constexpr std::uint64_t reserved_at_once = 512ull * 1024;

/// A longer head is parsed each time.
constexpr std::size_t longest_repeated_head = 2048;

constexpr std::size_t usual_field_count = 16;
constexpr std::size_t usual_field_bytes = 512;

/// "0", CRLF, CRLF: what must still come as long as a chunked body has not ended. Beast asserts that it gets
/// as much at once when its last chunk's header came before.
constexpr std::size_t shortest_end_of_chunks = 5;

HttpFault fault_of(error_code error) {
  if (error == http::error::header_limit) return HttpFault::head_too_large;
  if (error == http::error::body_limit) return HttpFault::body_too_large;
  if (error == http::error::partial_message) return HttpFault::cut_off;
  return HttpFault::bad_syntax;
}

/// A line that goes on with the next one (RFC 9112, 5.2). Beast joins them; a proxy in front of us may have
/// read two fields.
bool has_folded_line(std::string_view lines) {
  return lines.find("\n ") != std::string_view::npos || lines.find("\n\t") != std::string_view::npos;
}

bool asks_for_websocket(HttpRequestHead const& head) {
  return head.method == "GET" && head.fields.lists("Connection", "upgrade") &&
         head.fields.lists("Upgrade", "websocket");
}

/// One message: Beast's parser with a sink that keeps what we need. Limits are counted here, because Beast's
/// limit of the head starts anew with every call, and its limit of the body strikes before the head can be
/// looked at.
template <bool is_request>
class MessageReader final : public http::basic_parser<is_request> {
  using Parser = http::basic_parser<is_request>;
  using Head = std::conditional_t<is_request, HttpRequestHead, HttpResponseHead>;

 public:
  explicit MessageReader(HttpLimits limits) : limits_(limits) {
    // Beast's type is 32 bits; what we offer it is bounded anyway.
    this->header_limit(static_cast<std::uint32_t>(
        std::min<std::size_t>(limits.head, std::numeric_limits<std::uint32_t>::max())));
    this->body_limit(boost::none);
  }

  std::size_t feed(std::string_view bytes) {
    if (bytes.empty()) return 0;
    if (progress_ == HttpProgress::head) return feed_head(bytes);
    if (progress_ == HttpProgress::body) return repeated_ ? feed_repeated_body(bytes) : feed_body(bytes);
    return 0;
  }
  void end_of_stream();
  /// Whether a head of the same bytes may follow: then `repeat` makes it this one's.
  [[nodiscard]] bool may_repeat() const;
  void repeat();

  [[nodiscard]] HttpProgress progress() const { return progress_; }
  [[nodiscard]] HttpFault fault() const { return fault_; }
  [[nodiscard]] Head const& head() const { return head_; }
  [[nodiscard]] core::Buffer& body() { return body_; }
  [[nodiscard]] core::Buffer const& body() const { return body_; }

 private:
  std::size_t feed_head(std::string_view bytes);
  std::size_t feed_body(std::string_view bytes);
  std::size_t feed_repeated_body(std::string_view bytes);
  void fail(HttpFault fault);
  std::size_t add_to_body(std::string_view bytes, error_code& error);
  [[nodiscard]] bool fits(std::uint64_t more) const { return more <= limits_.body - body_received_; }

  void on_request_impl(http::verb, beast::string_view method, beast::string_view target, int version,
                       error_code&) override;
  void on_response_impl(int status, beast::string_view, int version, error_code&) override;
  void on_field_impl(http::field field, beast::string_view name, beast::string_view value,
                     error_code& error) override;
  void on_header_impl(error_code& error) override;
  void on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) override;
  std::size_t on_body_impl(beast::string_view bytes, error_code& error) override {
    return add_to_body(bytes, error);
  }
  void on_chunk_header_impl(std::uint64_t size, beast::string_view extensions, error_code& error) override {
    if (!fits(size)) error = http::error::body_limit;
    count_beside_body(extensions.size(), error);
  }
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes, error_code& error) override {
    return add_to_body(bytes, error);
  }
  void on_finish_impl(error_code&) override {}

  /// Extensions of chunks and trailers of one message need no more room than a head.
  void count_beside_body(std::size_t size, error_code& error);
  void take_host(beast::string_view& value);
  void take_expectation(beast::string_view value);

  HttpLimits limits_;
  HttpProgress progress_ = HttpProgress::head;
  HttpFault fault_ = HttpFault::none;
  int version_ = 11;
  std::size_t head_received_ = 0;
  std::uint64_t body_received_ = 0;
  std::size_t received_beside_body_ = 0;
  bool repeated_ = false;  ///< Beast's parser has done its work, for an earlier request
  Head head_;
  core::Buffer body_;
};

template <bool is_request>
std::size_t MessageReader<is_request>::feed_head(std::string_view bytes) {
  auto const offered = bytes.substr(0, limits_.head - head_received_);
  error_code error;
  std::size_t const taken = this->put(asio::buffer(offered), error);
  head_received_ += taken;
  auto const left = offered.substr(taken);
  bool const is_full = error == http::error::header_limit ||
                       (error == http::error::need_more && head_received_ + left.size() >= limits_.head);
  if (is_request && has_folded_line(offered.substr(0, taken))) {
    fail(HttpFault::bad_syntax);
  } else if (is_full) {
    bool const in_first_line = head_received_ == 0 && left.find('\n') == std::string_view::npos;
    fail(is_request && in_first_line ? HttpFault::request_line_too_long : HttpFault::head_too_large);
  } else if (error == http::error::need_more) {
    // Beast would wait for an end with CR, as long as time allows.
    if (left.starts_with('\n') || left.find("\n\n") != std::string_view::npos) fail(HttpFault::bad_syntax);
  } else if (error) {
    fail(fault_of(error));
  } else {
    progress_ = this->is_done() ? HttpProgress::done : HttpProgress::body;
    this->eager(true);
  }
  return taken;
}

template <bool is_request>
std::size_t MessageReader<is_request>::feed_body(std::string_view bytes) {
  if (this->chunked() && bytes.size() < shortest_end_of_chunks) return 0;
  error_code error;
  std::size_t const taken = this->put(asio::buffer(bytes), error);
  if (error == http::error::need_more) {
    // A chunk's extensions or the trailer: they need no more room than a head.
    if (bytes.size() - taken > limits_.head) fail(HttpFault::bad_syntax);
  } else if (error) {
    fail(fault_of(error));
  } else if (this->is_done()) {
    progress_ = HttpProgress::done;
  }
  return taken;
}

template <bool is_request>
bool MessageReader<is_request>::may_repeat() const {
  if constexpr (is_request) {
    return progress_ == HttpProgress::done && !head_.chunked && !head_.websocket_upgrade &&
           !head_.expects_continue;
  }
  return false;
}

template <bool is_request>
void MessageReader<is_request>::repeat() {
  if constexpr (is_request) {
    repeated_ = true;
    body_received_ = 0;
    body_.clear();
    std::uint64_t const length = head_.content_length.value_or(0);
    progress_ = length == 0 ? HttpProgress::done : HttpProgress::body;
    if (length != 0) body_.reserve(static_cast<std::size_t>(std::min(length, reserved_at_once)));
  }
}

template <bool is_request>
std::size_t MessageReader<is_request>::feed_repeated_body(std::string_view bytes) {
  if constexpr (is_request) {
    std::uint64_t const left = head_.content_length.value_or(0) - body_received_;
    auto const piece = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
    body_.append(piece);
    body_received_ += piece.size();
    if (piece.size() == left) progress_ = HttpProgress::done;
    return piece.size();
  }
  return 0;
}

template <bool is_request>
void MessageReader<is_request>::end_of_stream() {
  if (progress_ == HttpProgress::head) return fail(HttpFault::cut_off);
  if (progress_ != HttpProgress::body) return;
  error_code error;
  this->put_eof(error);
  if (error) return fail(fault_of(error));
  progress_ = HttpProgress::done;
}

template <bool is_request>
void MessageReader<is_request>::fail(HttpFault fault) {
  progress_ = HttpProgress::failed;
  fault_ = fault;
}

template <bool is_request>
std::size_t MessageReader<is_request>::add_to_body(std::string_view bytes, error_code& error) {
  if (!fits(bytes.size())) {
    error = http::error::body_limit;
    return 0;
  }
  body_received_ += bytes.size();
  body_.append(bytes);
  return bytes.size();
}

template <bool is_request>
void MessageReader<is_request>::count_beside_body(std::size_t size, error_code& error) {
  received_beside_body_ += size;
  if (received_beside_body_ > limits_.head) error = http::error::bad_chunk_extension;
}

template <bool is_request>
void MessageReader<is_request>::take_host(beast::string_view& value) {
  if constexpr (is_request) {
    if (head_.fields.has("Host") || !is_authority(value)) head_.names_host = false;
    if (auto const absolute = read_absolute_form(head_.target)) value = absolute->authority;
  }
}

template <bool is_request>
void MessageReader<is_request>::take_expectation(beast::string_view value) {
  if constexpr (is_request) {
    // HTTP/1.0 has no expectations, an empty list none (RFC 9110, 10.1.1).
    if (version_ < 11 || value.empty()) return;
    bool& expected =
        equal_ignoring_case(value, "100-continue") ? head_.expects_continue : head_.expects_other;
    expected = true;
  }
}

template <bool is_request>
void MessageReader<is_request>::on_request_impl(http::verb verb, beast::string_view method,
                                                beast::string_view target, int version, error_code& error) {
  if constexpr (is_request) {
    // RFC 9112, 3.2.4
    if (target == "*" && verb != http::verb::options) error = http::error::bad_target;
    head_.method.assign(method.data(), method.size());
    head_.target.assign(target.data(), target.size());
    head_.version = version_ = version;
  }
}

template <bool is_request>
void MessageReader<is_request>::on_response_impl(int status, beast::string_view, int version, error_code&) {
  if constexpr (!is_request) {
    head_.status = status;
    version_ = version;
  }
}

template <bool is_request>
void MessageReader<is_request>::on_field_impl(http::field field, beast::string_view name,
                                              beast::string_view value, error_code& error) {
  if (progress_ != HttpProgress::head) {
    // A trailer says nothing that we would trust.
    return count_beside_body(name.size() + value.size(), error);
  }
  // Where a message's length could be read in two ways it is refused, for the next hop may read the other one
  // (RFC 9112, 6.3). Beast refuses a length beside `chunked`; it would take equal lengths, and any other
  // coding as no body at all.
  if (field == http::field::content_length) {
    bool const repeated = head_.fields.has("Content-Length") || value.find(',') != beast::string_view::npos;
    if (repeated) error = http::error::multiple_content_length;
  } else if (field == http::field::transfer_encoding) {
    if (version_ < 11 || !equal_ignoring_case(value, "chunked")) error = http::error::bad_transfer_encoding;
  } else if (field == http::field::host) {
    take_host(value);
  } else if (field == http::field::expect) {
    take_expectation(value);
  }
  if (head_.fields.size() == 0) head_.fields.reserve(usual_field_count, usual_field_bytes);
  head_.fields.add(name, value);
}

template <bool is_request>
void MessageReader<is_request>::on_header_impl(error_code& error) {
  head_.keep_alive = keeps_alive(version_, head_.fields) && !this->need_eof();
  if (auto const length = this->content_length(); length && !this->is_done() && !fits(*length)) {
    error = http::error::body_limit;
  }
  if constexpr (is_request) {
    head_.chunked = this->chunked();
    if (auto const length = this->content_length()) head_.content_length = *length;
    if (version_ == 11 && !head_.fields.has("Host")) head_.names_host = false;
    // What follows may be meant for the tunnel that there is not.
    if (head_.method == "CONNECT") head_.keep_alive = false;
    head_.websocket_upgrade = asks_for_websocket(head_);
    // Behind an upgrade's head frames begin; a body there would be read as such by one side only.
    if (head_.websocket_upgrade && !this->is_done()) error = http::error::bad_value;
  }
}

template <bool is_request>
void MessageReader<is_request>::on_body_init_impl(boost::optional<std::uint64_t> const& length, error_code&) {
  if (length) body_.reserve(static_cast<std::size_t>(std::min(*length, reserved_at_once)));
}

}  // namespace

class HttpRequestParser::Impl {
 public:
  explicit Impl(HttpLimits limits) : limits_(limits), reader_(std::in_place, limits) {}

  [[nodiscard]] MessageReader<true> const& reader() const { return *reader_; }
  [[nodiscard]] MessageReader<true>& reader() { return *reader_; }
  [[nodiscard]] HttpProgress progress() const { return waiting_ ? HttpProgress::head : reader_->progress(); }
  [[nodiscard]] bool began() const { return taken_of_head_ != 0; }
  [[nodiscard]] std::uint64_t head_number() const { return head_number_; }

  [[nodiscard]] std::size_t feed(std::string_view bytes) {
    if (bytes.empty()) return 0;
    if (bytes.front() == '\r' && may_skip_line()) return skip_line(bytes);
    if (std::exchange(waiting_, false)) {
      if (bytes.starts_with(last_head_)) {
        reader_->repeat();
        return last_head_.size();
      }
      reader_.emplace(limits_);
    }
    bool const at_head = reader_->progress() == HttpProgress::head;
    bool const nothing_taken = taken_of_head_ == 0;
    std::size_t const taken = reader_->feed(bytes);
    if (at_head) take_head(bytes.substr(0, taken), nothing_taken);
    return taken;
  }

  void reset() {
    taken_of_head_ = 0;
    line_skipped_ = false;
    waiting_ = !last_head_.empty() && reader_->may_repeat();
    if (!waiting_) return static_cast<void>(reader_.emplace(limits_));
    reader_->body() = core::Buffer();  // a body that nobody wanted
  }

 private:
  [[nodiscard]] bool may_skip_line() const {
    return !line_skipped_ && taken_of_head_ == 0 && progress() == HttpProgress::head;
  }
  /// One empty line may come before a request: old clients end a body with it (RFC 9112, 2.2).
  [[nodiscard]] std::size_t skip_line(std::string_view bytes) {
    if (bytes.size() == 1) return 0;
    line_skipped_ = true;
    return bytes[1] == '\n' ? 2 : feed(bytes);
  }

  void take_head(std::string_view bytes, bool is_beginning) {
    taken_of_head_ += bytes.size();
    last_head_.clear();
    if (reader_->progress() == HttpProgress::head) return;
    ++head_number_;
    taken_of_head_ = 0;
    if (is_beginning && bytes.size() <= longest_repeated_head) last_head_ = bytes;
  }

  HttpLimits limits_;
  std::optional<MessageReader<true>> reader_;
  std::uint64_t head_number_ = 0;
  std::size_t taken_of_head_ = 0;
  std::string last_head_;  ///< empty when it came in pieces or was a long one
  bool line_skipped_ = false;
  bool waiting_ = false;  ///< for a head that may be the same as the last one; `reader_` still holds that
};

HttpRequestParser::HttpRequestParser(HttpLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
HttpRequestParser::~HttpRequestParser() = default;
HttpRequestParser::HttpRequestParser(HttpRequestParser&&) noexcept = default;
HttpRequestParser& HttpRequestParser::operator=(HttpRequestParser&&) noexcept = default;

std::size_t HttpRequestParser::feed(std::string_view bytes) {
  std::size_t const taken = impl_->feed(bytes);
  progress_ = impl_->progress();
  return taken;
}
bool HttpRequestParser::began() const { return impl_->began(); }
HttpFault HttpRequestParser::fault() const { return impl_->reader().fault(); }
HttpRequestHead const& HttpRequestParser::head() const { return impl_->reader().head(); }
std::uint64_t HttpRequestParser::head_number() const { return impl_->head_number(); }
core::Buffer HttpRequestParser::take_body() { return std::exchange(impl_->reader().body(), core::Buffer()); }
std::string_view HttpRequestParser::body() const { return impl_->reader().body().view(); }
void HttpRequestParser::reset() {
  impl_->reset();
  progress_ = impl_->progress();
}

class HttpResponseParser::Impl {
 public:
  explicit Impl(HttpLimits limits) : limits_(limits), reader_(std::in_place, limits) {}

  [[nodiscard]] MessageReader<false>& reader() { return *reader_; }

  [[nodiscard]] std::size_t feed(std::string_view bytes) {
    std::size_t taken = reader_->feed(bytes);
    while (is_interim()) {
      reader_.emplace(limits_);
      taken += reader_->feed(bytes.substr(taken));
    }
    return taken;
  }

 private:
  /// A 1xx answer before the real one; after 101 there is no HTTP any more.
  [[nodiscard]] bool is_interim() const {
    int const status = reader_->head().status;
    return reader_->progress() == HttpProgress::done && status / 100 == 1 && status != 101;
  }

  HttpLimits limits_;
  std::optional<MessageReader<false>> reader_;
};

HttpResponseParser::HttpResponseParser(HttpLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
HttpResponseParser::~HttpResponseParser() = default;
HttpResponseParser::HttpResponseParser(HttpResponseParser&&) noexcept = default;
HttpResponseParser& HttpResponseParser::operator=(HttpResponseParser&&) noexcept = default;

std::size_t HttpResponseParser::feed(std::string_view bytes) { return impl_->feed(bytes); }
void HttpResponseParser::end_of_stream() { impl_->reader().end_of_stream(); }
HttpProgress HttpResponseParser::progress() const { return impl_->reader().progress(); }
HttpFault HttpResponseParser::fault() const { return impl_->reader().fault(); }
HttpResponseHead const& HttpResponseParser::head() const { return impl_->reader().head(); }
std::string_view HttpResponseParser::body() const { return impl_->reader().body().view(); }

}  // namespace reachback::wire
