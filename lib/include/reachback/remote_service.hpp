#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "reachback/config.hpp"

namespace reachback {

/// The bytes of an answer, read once from begin to end on a worker thread.
class PayloadSource {
 public:
  virtual ~PayloadSource() = default;
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  /// MD5 of all of it, in hex. May read everything; called once, first.
  [[nodiscard]] virtual std::string hash() = 0;
  /// The next bytes, up to `max`; throws std::runtime_error when they cannot be had. Fewer than `max` only at
  /// the end.
  [[nodiscard]] virtual std::string read(std::size_t max) = 0;
};

/// What a service answers with.
struct ServiceAnswer {
  enum class Encoding : std::uint8_t { json, bytes } encoding = Encoding::bytes;
  std::unique_ptr<PayloadSource> payload;  ///< null: an error answer
  int status = 200;                        ///< of an error answer: 400 and up
  std::string error;
};

/// `bytes` as an answer.
[[nodiscard]] ServiceAnswer answer_with(std::string bytes, ServiceAnswer::Encoding encoding);
[[nodiscard]] ServiceAnswer answer_with_error(std::string error, int status = 400);

/// How a service reaches its gateway.
struct RemoteServiceConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8888;
  /// By TLS, 1.2 or later. The gateway's certificate must be valid, for this very host, and from an authority
  /// that is trusted; else the gateway counts as unreachable, is tried again, and the log says why.
  bool tls = false;
  /// PEM file with the certificates that are trusted instead of the system's; a gateway's own, self-signed
  /// one will do. Read for each connection anew.
  std::string ca_file;
  /// PEM files of a certificate, with its chain behind it, and of its key: what the service shows by TLS when
  /// the gateway asks. With neither token nor user, it is the credential. Both or none; read like the CA
  /// file.
  std::string certificate_file, key_file;
  std::string endpoint = "wsData";
  std::string user, password;  ///< logs in by the original's steps, unless there is a token
  std::string token;           ///< sent as `Authorization: Bearer`
  /// Asked for the token before each dial, instead of `token`, as those that expire are renewed. Called on
  /// the service's thread; what it throws is logged, and the dial is tried again later.
  std::function<std::string()> read_token;
  unsigned workers = 4;  ///< threads that answer; so many parts are made in parallel
  /// Requests that wait for a worker or, in the middle of their answers, for their callers; beyond those, a
  /// request is answered with an error at once.
  std::size_t waiting_requests = 1000;
  Config::Duration first_retry =
      std::chrono::milliseconds(250);  ///< doubled up to `longest_retry`, with jitter
  Config::Duration longest_retry = std::chrono::seconds(15);
  /// Called on the service's thread and on its workers; must not block. No payload and no secret is ever in a
  /// text.
  std::function<void(LogLevel, std::string_view)> log;
  /// Told on the service's thread each time a connection opens, also while an older one still ends.
  std::function<void()> attached;
};

/// Answers one request; runs on a worker thread, several at once. `request` is there until it returns, not as
/// long as the payload is read. What it throws becomes an error answer with
/// its text.
using ServiceFunction = std::function<ServiceAnswer(std::string_view request)>;

/// The other side: dials in to a gateway that speaks the wire protocol, logs in, stays connected (reconnects
/// with jittered backoff), and answers requests in parallel, in parts of 10 MiB of which few are in memory at
/// any time. To a gateway that knows the subprotocol `reachback.v1` it sends the parts at each caller's pace:
/// an answer that waits for its caller holds no worker, and one that is cancelled is abandoned at its next
/// part. When such a gateway says that it is about to close (`goaway`), the service dials the same address
/// again, where a proxy leads it to another one, with backoff as long as that fails; it stays at the old one
/// until it has joined anew and all requests from there are answered. At most two gateways that are about to
/// close are served beside a new one; before a third is left, one of them must be done with.
class RemoteService {
 public:
  /// Throws StartError when the configuration makes no sense.
  RemoteService(RemoteServiceConfig config, ServiceFunction function);
  ~RemoteService();
  RemoteService(RemoteService const&) = delete;
  RemoteService& operator=(RemoteService const&) = delete;

  /// Runs on the calling thread until `stop`; once. False when the gateway refused the log-in or the token:
  /// trying again would not help. Returns when no worker is at work any more.
  [[nodiscard]] bool run();
  /// Any thread, but not inside a signal handler: closes every connection with 1001 and lets `run` return.
  /// Answers in the making are abandoned at their next part; a ServiceFunction that runs is waited for.
  void stop();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reachback
