#pragma once

#include <boost/asio/ip/basic_resolver.hpp>
#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "async/shard.hpp"
#include "client/tls_context.hpp"
#include "core/buffer.hpp"
#include "net/stream.hpp"
#include "wire/http_head.hpp"

namespace reachback::client {

/// Where the gateway is, as the user names it.
struct Address {
  std::string host;  ///< a name or an IP address, IPv6 without brackets
  std::uint16_t port = 0;
  bool tls = false;
  bool checked = true;  ///< false: by TLS with whoever answers

  /// `host:port` as it stands in a Host header: IPv6 in brackets, without the port that is the scheme's own.
  [[nodiscard]] std::string authority() const;
  /// `http://host:port` or `https://host:port`.
  [[nodiscard]] std::string origin() const;
};

/// The head of an answer; its body has been read and dropped.
struct HttpReply {
  wire::HttpResponseHead head;
  core::Buffer rest;  ///< what came behind the answer
};

/// One connection to the gateway for one HTTP exchange, or for the upgrade after which the stream is taken
/// away. Lives on its shard; one operation at a time. What an operation awaits ends with `operation_aborted`
/// after `cancel`.
class HttpConnection {
 public:
  /// `tls` serves gateways that are addressed so, and outlives this; null where none is.
  HttpConnection(async::Shard& shard, TlsContext const* tls);

  /// Resolves the name, connects to the first of its addresses that answers, and secures the connection. Each
  /// address but the last has its share of `patience` to do so: one that swallows packets hides no other.
  [[nodiscard]] async::Task<async::error_code> connect(Address const& gateway, core::Duration patience);
  /// Sends the request and reads the whole answer; that of an upgrade ends with its head.
  [[nodiscard]] async::Task<boost::system::result<HttpReply>> exchange(std::string const& request);
  /// Closes. What runs ends with an error; a look-up that the system has begun is waited for.
  void cancel();

  [[nodiscard]] net::Stream take_stream() { return std::move(stream_); }

 private:
  using Resolver = boost::asio::ip::basic_resolver<net::Tcp, async::Executor>;

  [[nodiscard]] async::Task<async::error_code> connect_to(net::Tcp::endpoint address,
                                                          std::optional<core::Duration> patience);
  [[nodiscard]] async::Task<async::error_code> write(std::string const& request);
  [[nodiscard]] async::Task<boost::system::result<HttpReply>> read_reply();

  async::Shard& shard_;
  TlsContext const* tls_;
  Resolver resolver_;
  net::Stream stream_;
  bool cancelled_ = false;
};

}  // namespace reachback::client
