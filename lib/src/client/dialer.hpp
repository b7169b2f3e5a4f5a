#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "client/http_connection.hpp"
#include "core/credit.hpp"
#include "core/deadline_table.hpp"

namespace reachback::client {

/// Why there is no connection.
struct DialFailure {
  enum class Kind : std::uint8_t { unreachable, refused } kind = Kind::unreachable;
  std::string text;  ///< for the log; holds no secret
};

/// What was sent with a dial.
enum class Credential : std::uint8_t { token, certificate, new_cookie, kept_cookie };

/// An upgraded connection.
struct Dialed {
  net::Stream stream;
  core::Buffer rest;  ///< came behind the handshake
  core::Pacing pacing = core::Pacing::none;
  Credential credential = Credential::token;
};

/// Who dials, and where.
struct DialPlan {
  Address gateway;
  TlsFiles files;
  std::string endpoint;
  std::string user, password;  ///< no user and no token: the certificate says who it is
  std::string token;           ///< when set, there is no log-in
  core::Duration timeout = std::chrono::seconds(10);  ///< of each of the up to three exchanges
};

/// Brings up connections to one gateway: logs in by the original's steps (keeping the cookie for the next
/// time), or carries the token, and upgrades. Lives on the shard; one `dial` at a time.
class Dialer {
 public:
  using Result = boost::system::result<Dialed, DialFailure>;

  Dialer(async::Shard& shard, DialPlan plan) : shard_(shard), plan_(std::move(plan)) {}

  /// Ends within three time-outs, or soon after `cancel`.
  [[nodiscard]] async::Task<Result> dial();
  /// Ends the `dial` that runs, and all later ones at once.
  void cancel();

  /// For the next dials.
  void use_token(std::string token) { plan_.token = std::move(token); }
  [[nodiscard]] std::string const& token() const { return plan_.token; }

  /// Of the last dial.
  [[nodiscard]] Credential credential() const { return credential_; }
  /// The next dial logs in anew.
  void forget_cookie() { cookie_.clear(); }

 private:
  struct Exchanged {
    HttpReply reply;
    net::Stream stream;
  };
  using ExchangeResult = boost::system::result<Exchanged, DialFailure>;

  [[nodiscard]] boost::system::result<void, DialFailure> read_certificates();
  [[nodiscard]] async::Task<ExchangeResult> exchange(std::string request);
  [[nodiscard]] async::Task<boost::system::result<void, DialFailure>> log_in();
  [[nodiscard]] async::Task<Result> upgrade();
  [[nodiscard]] std::string credential_field() const;

  async::Shard& shard_;
  DialPlan plan_;
  std::optional<TlsContext> tls_;
  std::string cookie_;  ///< `login`'s value; empty while not logged in
  Credential credential_ = Credential::token;
  HttpConnection* current_ = nullptr;  ///< that of the exchange that runs
  bool cancelled_ = false;
};

}  // namespace reachback::client
