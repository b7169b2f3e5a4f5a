#include "reachback/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "async/clock.hpp"
#include "async/shard.hpp"
#include "async/task_group.hpp"
#include "client/http_connection.hpp"
#include "reachback/errors.hpp"

namespace reachback {
namespace {

using async::Task;

bool is_graphic(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char letter) { return letter > ' ' && letter != '\x7f'; });
}

void check(ProbeConfig const& config) {
  if (!is_graphic(config.host)) throw StartError("the host is empty or holds what no host has");
  if (!is_graphic(config.path) || !config.path.starts_with('/'))
    throw StartError("the path does not begin with a slash, or holds what no path has");
  if (!config.tls && !config.ca_file.empty()) throw StartError("there is a CA file, but no TLS");
  if (!config.tls && !config.certificate_file.empty()) throw StartError("there is a certificate, but no TLS");
  if (config.certificate_file.empty() != config.key_file.empty())
    throw StartError("a certificate and its key belong together");
}

std::string request_of(client::Address const& gateway, std::string_view path) {
  return fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", path, gateway.authority());
}

Task<> ask(async::Shard& shard, ProbeConfig const& config, client::TlsContext const* tls,
           ProbeResult& result) {
  client::Address const gateway{config.host, config.port, config.tls, config.checked};
  client::HttpConnection connection(shard, tls);
  async::Deadline deadline(shard, [&connection] { connection.cancel(); });
  deadline.set_in(config.timeout);
  auto const error = co_await connection.connect(gateway, config.timeout);
  boost::system::result<client::HttpReply> reply = error;
  auto const request = request_of(gateway, config.path);
  if (!error) reply = co_await connection.exchange(request);
  bool const late = !deadline.is_set();
  if (reply) {
    result.status = reply->head.status;
  } else if (late) {
    result.error = fmt::format("{} does not answer in time", gateway.origin());
  } else {
    result.error = fmt::format("{}: {}", gateway.origin(), reply.error().message());
  }
  shard.stop();
}

}  // namespace

ProbeResult probe(ProbeConfig const& config) {
  check(config);
  std::optional<client::TlsContext> tls;
  if (config.tls) tls.emplace(client::TlsFiles{config.ca_file, config.certificate_file, config.key_file});
  ProbeResult result;
  std::exception_ptr failure;
  async::Shard shard(0, async::steady_clock());
  async::TaskGroup asking(shard.strand(), [&](std::exception_ptr error) {
    failure = std::move(error);
    shard.stop();
  });
  asking.spawn(ask(shard, config, tls ? &*tls : nullptr, result));
  shard.run();
  if (failure) std::rethrow_exception(failure);
  return result;
}

}  // namespace reachback
