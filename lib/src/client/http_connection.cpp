#include "client/http_connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <utility>

#include "wire/http_parser.hpp"

namespace reachback::client {
namespace {

namespace asio = boost::asio;
using async::error_code;
using async::Task;

/// A log-in page, or a proxy's word of excuse.
constexpr wire::HttpLimits reply_limits{.head = 64 * 1024, .body = 1024 * 1024};

constexpr std::size_t read_size = 16 * 1024;

error_code malformed() { return make_error_code(boost::system::errc::bad_message); }

}  // namespace

std::string Address::authority() const {
  bool const is_v6 = host.find(':') != std::string::npos;
  auto const name = is_v6 ? fmt::format("[{}]", host) : host;
  return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::string Address::origin() const { return (tls ? "https://" : "http://") + authority(); }

HttpConnection::HttpConnection(async::Shard& shard, TlsContext const* tls)
    : shard_(shard), tls_(tls), resolver_(shard.strand()), stream_(net::Socket(shard.strand())) {}

Task<error_code> HttpConnection::connect(Address const& gateway, core::Duration patience) {
  auto const port = std::to_string(gateway.port);
  auto const [not_found, addresses] = co_await resolver_.async_resolve(gateway.host, port, async::use_task);
  if (cancelled_) co_return asio::error::operation_aborted;
  if (not_found) co_return not_found;
  error_code error = asio::error::host_not_found;
  auto const share =
      patience / std::max(static_cast<core::Duration::rep>(addresses.size()), core::Duration::rep{1});
  std::size_t left = addresses.size();
  for (auto const& entry : addresses) {
    auto const enough = --left == 0 ? std::nullopt : std::optional(share);
    error = co_await connect_to(entry.endpoint(), enough);
    if (cancelled_) co_return asio::error::operation_aborted;
    if (!error) break;
  }
  if (error) co_return error;
  net::tune(stream_.socket());
  if (!gateway.tls) co_return error_code();
  stream_.secure(gateway.checked ? tls_->session_with(gateway.host) : tls_->unchecked_session());
  auto const refused = co_await stream_.handshake();
  co_return refused;
}

Task<error_code> HttpConnection::connect_to(net::Tcp::endpoint address,
                                            std::optional<core::Duration> patience) {
  error_code error;
  stream_.socket().close(error);  // of the address before
  stream_.socket().open(address.protocol(), error);
  if (error) co_return error;
  async::Deadline deadline(shard_, [this] { stream_.close(); });
  if (patience) deadline.set_in(*patience);
  auto const [failed] = co_await stream_.socket().async_connect(address, async::use_task);
  bool const late = patience && !deadline.is_set();
  co_return late ? error_code(asio::error::timed_out) : failed;
}

Task<boost::system::result<HttpReply>> HttpConnection::exchange(std::string const& request) {
  auto const error = co_await write(request);
  if (error) co_return error;
  auto reply = co_await read_reply();
  co_return reply;
}

Task<error_code> HttpConnection::write(std::string const& request) {
  std::string_view rest = request;
  while (!rest.empty()) {
    error_code error;
    rest.remove_prefix(stream_.write_some(rest, error));
    if (error == asio::error::would_block) {
      auto const [waited] = co_await stream_.wait_writable(async::use_task);
      error = waited;
    }
    if (error) co_return error;
  }
  co_return error_code();
}

Task<boost::system::result<HttpReply>> HttpConnection::read_reply() {
  wire::HttpResponseParser parser(reply_limits);
  core::Buffer in;
  while (parser.progress() != wire::HttpProgress::done) {
    error_code error;
    in.grow_by(stream_.read_some({in.prepare(read_size), read_size}, error));
    if (error == asio::error::would_block) {
      auto const [waited] = co_await stream_.wait_readable(async::use_task);
      if (waited) co_return waited;
      continue;
    }
    std::size_t taken = 0;
    do {
      taken = parser.feed(in.view());
      in.consume(taken);
    } while (taken != 0);
    if (error == asio::error::eof) parser.end_of_stream();
    if (parser.progress() == wire::HttpProgress::failed) co_return malformed();
    if (error && parser.progress() != wire::HttpProgress::done) co_return error;
  }
  HttpReply reply;
  reply.head = parser.head();
  reply.rest = std::move(in);
  co_return std::move(reply);
}

void HttpConnection::cancel() {
  cancelled_ = true;
  resolver_.cancel();
  stream_.close();
}

}  // namespace reachback::client
