#include "client/http_connection.hpp"

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "wire/http_parser.hpp"

namespace reachback::client {
namespace {

namespace asio = boost::asio;
using async::error_code;
using async::Task;

/// A log-in page, or a proxy's word of excuse.
constexpr wire::HttpLimits reply_limits{.head = 64 * 1024, .body = 1024 * 1024};

error_code malformed() { return make_error_code(boost::system::errc::bad_message); }

}  // namespace

std::string Address::authority() const {
  bool const is_v6 = host.find(':') != std::string::npos;
  return is_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

HttpConnection::HttpConnection(async::Shard& shard) : resolver_(shard.strand()), socket_(shard.strand()) {}

Task<error_code> HttpConnection::connect(Address const& gateway) {
  auto const port = std::to_string(gateway.port);
  auto const [not_found, addresses] = co_await resolver_.async_resolve(gateway.host, port, async::use_task);
  if (cancelled_) co_return asio::error::operation_aborted;
  if (not_found) co_return not_found;
  auto const [error, used] = co_await asio::async_connect(socket_, addresses, async::use_task);
  if (cancelled_) co_return asio::error::operation_aborted;
  if (!error) net::tune(socket_);
  co_return error;
}

Task<boost::system::result<HttpReply>> HttpConnection::exchange(std::string const& request) {
  auto const [error, written] = co_await asio::async_write(socket_, asio::buffer(request), async::use_task);
  if (error) co_return error;
  auto reply = co_await read_reply();
  co_return reply;
}

Task<boost::system::result<HttpReply>> HttpConnection::read_reply() {
  wire::HttpResponseParser parser(reply_limits);
  core::Buffer in;
  while (parser.progress() != wire::HttpProgress::done) {
    auto const [error, count] =
        co_await socket_.async_read_some(asio::buffer(in.prepare(16 * 1024), 16 * 1024), async::use_task);
    in.grow_by(count);
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
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace reachback::client
