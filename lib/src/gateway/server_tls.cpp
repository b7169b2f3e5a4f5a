#include "gateway/server_tls.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <utility>

#include "reachback/errors.hpp"

namespace reachback::gateway {
namespace {

using std::chrono::system_clock;

net::TlsServerSettings settings_of(Config::Tls const& config) {
  return {config.certificate, config.key, config.client_ca, config.client_required};
}

std::string day_of(system_clock::time_point time) { return fmt::format("{:%Y-%m-%d}", fmt::gmtime(time)); }

}  // namespace

ServerTls::Context load_server_tls(Config::Tls const& config) {
  auto loaded = net::TlsServerContext::load(settings_of(config));
  if (!loaded) throw StartError(loaded.error().text);
  return *std::move(loaded);
}

std::string warning_about(std::string const& file, system_clock::time_point expires,
                          system_clock::time_point now) {
  return now < expires ? std::string()
                       : fmt::format("{}: the certificate has expired on {}", file, day_of(expires));
}

ServerTls::ServerTls(Config::Tls const& config, Log log)
    : settings_(settings_of(config)), log_(std::move(log)) {
  if (config.certificate.empty()) return;
  context_ = load_server_tls(config);
  expires_ = context_->expires();
}

ServerTls::Context ServerTls::reload(ReloadReason reason) {
  if (context_ == nullptr) return nullptr;
  auto loaded = net::TlsServerContext::load(settings_);
  if (!loaded) {
    bool const known = std::exchange(fault_, loaded.error().text) == loaded.error().text;
    if (!known || reason == ReloadReason::asked)
      log_(LogLevel::error, fmt::format("the certificate stays as it was: {}", fault_));
    return nullptr;
  }
  fault_.clear();
  if ((*loaded)->same_files_as(*context_)) {
    if (reason == ReloadReason::asked) log_(LogLevel::info, "the certificate's files have not changed");
    return nullptr;
  }
  context_ = *std::move(loaded);
  expires_ = context_->expires();
  log_(LogLevel::info, fmt::format("{} has changed: it is good until {}", settings_.certificate_file,
                                   day_of(context_->expires())));
  auto const warning = warning_about(settings_.certificate_file, context_->expires(), system_clock::now());
  if (!warning.empty()) log_(LogLevel::warning, warning);
  return context_;
}

std::optional<system_clock::time_point> ServerTls::expires() const {
  if (settings_.certificate_file.empty()) return std::nullopt;
  return expires_.load();
}

}  // namespace reachback::gateway
