#pragma once

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <boost/system/result.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http_head.hpp"

namespace reachback::gateway {

/// The client of a request, behind however many trusted proxies.
struct ClientView {
  std::string address;  ///< without a port; of IPv6 the network of 64 bits
  std::string shown;    ///< for lists and logs: with the port where it is known
  bool https = false;
  bool behind_proxy = false;  ///< a trusted proxy named it
};

/// Whose connections count together: an IPv4 address, or the IPv6 network of 64 bits that one host has to
/// itself: it could come from a new address each time.
[[nodiscard]] std::string who_may_be_at(boost::asio::ip::address const& address);

/// The proxies whose word about their clients counts. Constant after construction: any thread.
class TrustedProxies {
 public:
  using Address = boost::asio::ip::address;
  struct Fault {
    std::string text;
  };

  /// Each an address or a network: "::1", "10.0.0.0/8".
  [[nodiscard]] static boost::system::result<TrustedProxies, Fault> read(
      std::vector<std::string> const& texts);

  [[nodiscard]] bool trust(Address const& address) const;

  /// `peer` is the other end of the connection, ADDRESS:PORT. The client is the last in X-Forwarded-For that
  /// is no trusted proxy: what stands before it, it may have written itself.
  [[nodiscard]] ClientView client_of(std::string_view peer, wire::HttpFields const& fields) const;

 private:
  std::vector<boost::asio::ip::network_v4> v4_;
  std::vector<boost::asio::ip::network_v6> v6_;
};

}  // namespace reachback::gateway
