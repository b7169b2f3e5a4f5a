#include "gateway/trusted_proxies.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "gateway/field_text.hpp"

namespace reachback::gateway {
namespace {

namespace ip = boost::asio::ip;
using boost::system::error_code;

/// An IPv4 peer of a socket that listens on `::` has an IPv6 address, and a neighbour's names the interface.
ip::address plain(ip::address const& address) {
  if (address.is_v4()) return address;
  if (address.to_v6().is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  return ip::address_v6(address.to_v6().to_bytes());
}

/// ADDRESS, ADDRESS:PORT for IPv4, [ADDRESS] and [ADDRESS]:PORT for IPv6.
std::optional<ip::address> read_address(std::string_view text) {
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  error_code error;
  auto const address = ip::make_address(text, error);
  if (error) return std::nullopt;
  return plain(address);
}

template <class Network, class Address>
bool contains(std::vector<Network> const& networks, Address const& address) {
  return std::ranges::any_of(networks, [&](Network const& network) {
    return Network(address, network.prefix_length()).canonical() == network;
  });
}

}  // namespace

std::string who_may_be_at(ip::address const& address) {
  constexpr unsigned short host_bits_begin = 64;
  auto const known = plain(address);
  if (known.is_v4()) return known.to_string();
  return ip::network_v6(known.to_v6(), host_bits_begin).network().to_string();
}

boost::system::result<TrustedProxies, TrustedProxies::Fault> TrustedProxies::read(
    std::vector<std::string> const& texts) {
  TrustedProxies proxies;
  for (auto const& text : texts) {
    bool const is_v6 = text.find(':') != std::string::npos;
    bool const is_network = text.find('/') != std::string::npos;
    std::string const network = is_network ? text : text + (is_v6 ? "/128" : "/32");
    error_code error;
    if (is_v6) {
      auto const read = ip::make_network_v6(network, error);
      if (read.address().is_v4_mapped()) return Fault{fmt::format("'{}' is to be written as IPv4", text)};
      proxies.v6_.push_back(read.canonical());
    } else {
      proxies.v4_.push_back(ip::make_network_v4(network, error).canonical());
    }
    if (error) return Fault{fmt::format("'{}' is no address and no network such as 10.0.0.0/8", text)};
  }
  return proxies;
}

bool TrustedProxies::trust(Address const& address) const {
  auto const known = plain(address);
  return known.is_v4() ? contains(v4_, known.to_v4()) : contains(v6_, known.to_v6());
}

ClientView TrustedProxies::client_of(std::string_view peer, wire::HttpFields const& fields) const {
  auto const nearest = read_address(peer);
  ClientView client{nearest ? who_may_be_at(*nearest) : std::string(peer), std::string(peer), false};
  if (!nearest || !trust(*nearest)) return client;
  auto const schemes = list_elements(fields, "X-Forwarded-Proto");
  client.https = !schemes.empty() && wire::equal_ignoring_case(schemes.back(), "https");
  auto const clients = list_elements(fields, "X-Forwarded-For");
  for (auto element = clients.rbegin(); element != clients.rend(); ++element) {
    auto const address = read_address(*element);
    if (!address) break;
    client.address = who_may_be_at(*address);
    client.shown = address->to_string();
    client.behind_proxy = !trust(*address);
    if (client.behind_proxy) break;
  }
  return client;
}

}  // namespace reachback::gateway
