#include "client/dialer.hpp"

#include <fmt/format.h>

#include <utility>

#include "client/log_in.hpp"
#include "reachback/errors.hpp"
#include "wire/websocket_codec.hpp"

namespace reachback::client {
namespace {

using async::Task;

DialFailure failure(DialFailure::Kind kind, std::string text) { return {kind, std::move(text)}; }
DialFailure unreachable(std::string text) { return failure(DialFailure::Kind::unreachable, std::move(text)); }
DialFailure refused(std::string text) { return failure(DialFailure::Kind::refused, std::move(text)); }

/// A busy or broken gateway may do better later; one that understood us and said no will not.
bool may_pass(int status) { return status >= 500 || status == 408 || status == 429; }

}  // namespace

Task<Dialer::Result> Dialer::dial() {
  auto const trusted = read_certificates();
  if (!trusted) co_return trusted.error();
  if (!plan_.token.empty()) {
    credential_ = Credential::token;
  } else if (plan_.user.empty() && !plan_.files.certificate_file.empty()) {
    credential_ = Credential::certificate;
  } else if (!cookie_.empty()) {
    credential_ = Credential::kept_cookie;
  } else {
    credential_ = Credential::new_cookie;
    auto const logged_in = co_await log_in();
    if (!logged_in) co_return logged_in.error();
  }
  auto result = co_await upgrade();
  co_return std::move(result);
}

// Anew for each dial: certificates are renewed while a service runs.
boost::system::result<void, DialFailure> Dialer::read_certificates() {
  if (!plan_.gateway.tls) return {};
  try {
    tls_.emplace(plan_.files);
    return {};
  } catch (StartError const& error) {
    return unreachable(error.what());
  }
}

void Dialer::cancel() {
  cancelled_ = true;
  if (current_ != nullptr) current_->cancel();
}

Task<Dialer::ExchangeResult> Dialer::exchange(std::string request) {
  if (cancelled_) co_return unreachable("stopped");
  HttpConnection connection(shard_, tls_ ? &*tls_ : nullptr);
  current_ = &connection;
  struct Leave {
    HttpConnection*& current;
    ~Leave() { current = nullptr; }
  } const leave{current_};
  async::Deadline deadline(shard_, [&connection] { connection.cancel(); });
  deadline.set_in(plan_.timeout);
  auto const error = co_await connection.connect(plan_.gateway, plan_.timeout);
  boost::system::result<HttpReply> reply = error;
  if (!error) reply = co_await connection.exchange(request);
  bool const late = !deadline.is_set();
  if (late) co_return unreachable(fmt::format("{} does not answer in time", plan_.gateway.origin()));
  if (!reply) co_return unreachable(fmt::format("{}: {}", plan_.gateway.origin(), reply.error().message()));
  Exchanged exchanged{std::move(*reply), connection.take_stream()};
  co_return std::move(exchanged);
}

Task<boost::system::result<void, DialFailure>> Dialer::log_in() {
  auto const page = co_await exchange(log_in_page_request(plan_.gateway));
  if (!page) co_return page.error();
  auto const xsrf = cookie_of(page->reply.head.fields, "_xsrf");
  if (page->reply.head.status != 200 || xsrf.empty()) {
    co_return unreachable(fmt::format("there is no log-in page (HTTP {})", page->reply.head.status));
  }
  auto const answer = co_await exchange(log_in_request(plan_.gateway, plan_.user, plan_.password, xsrf));
  if (!answer) co_return answer.error();
  int const status = answer->reply.head.status;
  if (may_pass(status)) co_return unreachable(fmt::format("the log-in failed (HTTP {})", status));
  cookie_ = cookie_of(answer->reply.head.fields, "login");
  if (cookie_.empty()) co_return refused(fmt::format("the log-in of {} was refused", plan_.user));
  co_return boost::system::result<void, DialFailure>();
}

Task<Dialer::Result> Dialer::upgrade() {
  auto const handshake = wire::make_client_handshake();
  auto exchanged =
      co_await exchange(upgrade_request(plan_.gateway, plan_.endpoint, credential_field(), handshake.key));
  if (!exchanged) co_return exchanged.error();
  auto const& head = exchanged->reply.head;
  if (head.status == 401 || head.status == 403) {
    co_return refused(fmt::format("the gateway refuses the connection (HTTP {})", head.status));
  }
  if (head.status != 101) {
    co_return unreachable(fmt::format("/{} takes no connection (HTTP {})", plan_.endpoint, head.status));
  }
  if (!accepts_upgrade(head, handshake.accept))
    co_return unreachable("the answer to the upgrade is no valid one");
  Dialed dialed{std::move(exchanged->stream), std::move(exchanged->reply.rest), pacing_of(head), credential_};
  co_return std::move(dialed);
}

std::string Dialer::credential_field() const {
  if (credential_ == Credential::certificate) return {};
  return plan_.token.empty() ? fmt::format("Cookie: login={}", cookie_)
                             : fmt::format("Authorization: Bearer {}", plan_.token);
}

}  // namespace reachback::client
