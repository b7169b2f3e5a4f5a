#include "settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace reachback::service {

namespace {

using Limits = Config::Limits;
using Timeouts = Config::Timeouts;
using Duration = Config::Duration;
using Texts = std::vector<std::string>;

constexpr std::uint64_t most_threads = 256;
constexpr std::uint64_t most_things = 1'000'000'000;
constexpr Duration instant{0};
constexpr Duration moment{1};  // the least that the settings can tell from nothing
constexpr Duration day = std::chrono::hours(24);

/// What finds a value in a command, be it constant or not.
template <class T>
auto in(T ServeCommand::* member) {
  return [member](auto& command) -> auto& { return command.*member; };
}
template <class T>
auto in(T Config::* member) {
  return [member](auto& command) -> auto& { return command.config.*member; };
}
template <class T>
auto in(T Config::Jwt::* member) {
  return [member](auto& command) -> auto& { return command.config.jwt.*member; };
}
template <class T>
auto in(T Config::Tls::* member) {
  return [member](auto& command) -> auto& { return command.config.tls.*member; };
}
template <class T>
auto in(T Limits::* member) {
  return [member](auto& command) -> auto& { return command.config.limits.*member; };
}
template <class T>
auto in(T Timeouts::* member) {
  return [member](auto& command) -> auto& { return command.config.timeouts.*member; };
}

std::string as_it_is(std::string const& text) { return text; }
std::string write_number(std::uint64_t number) { return std::to_string(number); }
std::string write_toggle(bool value) { return value ? "true" : "false"; }

std::string write_level(LogLevel level) {
  constexpr char const* names[] = {"debug", "info", "warning", "error"};
  return names[static_cast<std::size_t>(level)];
}

std::string write_endpoint(EndpointConfig const& endpoint) {
  bool const has_reason = !endpoint.reject_reason.empty();
  return fmt::format("{}={}{}{}", endpoint.name, to_string(endpoint.kind), has_reason ? ":" : "",
                     endpoint.reject_reason);
}

std::string write_certificate(ClientCertificateConfig const& certificate) {
  bool const by_hash = !certificate.sha256.empty();
  return fmt::format("{}:{}={}:scopes={}", certificate.name, by_hash ? "sha256" : "subject",
                     by_hash ? certificate.sha256 : certificate.subject, fmt::join(certificate.scopes, ","));
}

std::string write_token_hash(TokenConfig const& token) {
  return fmt::format("{}:{}:{}", token.name, token.sha256, fmt::join(token.scopes, ","));
}

/// Completes a setting of one value. An empty text is shown as not set.
template <class At, class Reader, class Writer>
Setting single(Setting setting, At at, Reader read, Writer write) {
  setting.take = [at, read](ServeCommand& command, std::string_view text) -> Read<void> {
    auto value = read(text);
    if (!value) return value.error();
    auto& target = at(command);
    target = static_cast<std::remove_reference_t<decltype(target)>>(*std::move(value));
    return {};
  };
  setting.show = [at, write](ServeCommand const& command) {
    std::string const text = write(at(command));
    return text.empty() ? Texts{} : Texts{text};
  };
  return setting;
}

template <class At, class Reader, class Writer>
Setting repeated(Setting setting, At at, Reader read, Writer write) {
  setting.take = [at, read](ServeCommand& command, std::string_view text) -> Read<void> {
    auto value = read(text);
    if (!value) return value.error();
    at(command).push_back(*std::move(value));
    return {};
  };
  setting.show = [at, write](ServeCommand const& command) {
    Texts texts;
    for (auto const& value : at(command)) texts.push_back(write(value));
    return texts;
  };
  setting.clear = [at](ServeCommand& command) { at(command).clear(); };
  return setting;
}

template <class Number>
Setting number(char const* name, Number Config::* member, std::uint64_t least, std::uint64_t most,
               char const* meaning) {
  auto const read = [least, most](std::string_view text) { return read_number(text, least, most); };
  return single({name, "N", meaning, Form::number}, in(member), read, write_number);
}

Setting count(char const* name, std::size_t Limits::* limit, std::uint64_t least, char const* meaning) {
  auto const read = [least](std::string_view text) { return read_number(text, least, most_things); };
  return single({name, "N", meaning, Form::number}, in(limit), read, write_number);
}

Setting bytes(char const* name, std::size_t Limits::* limit, std::uint64_t least, char const* meaning) {
  auto const read = [least](std::string_view text) { return read_bytes(text, least); };
  return single({name, "BYTES", meaning, Form::number}, in(limit), read, bytes_text);
}

Setting time(char const* name, Duration Timeouts::* timeout, Duration least, char const* meaning) {
  auto const read = [least](std::string_view text) { return read_seconds(text, least, day); };
  return single({name, "SECONDS", meaning, Form::number}, in(timeout), read, seconds_text);
}

Setting file(char const* name, std::string ServeCommand::* member, char const* meaning) {
  return single({name, "FILE", meaning}, in(member), read_text, as_it_is);
}

Setting file(char const* name, std::string Config::Tls::* member, char const* meaning) {
  return single({name, "FILE", meaning}, in(member), read_text, as_it_is);
}

Setting with_commas(Setting setting) {
  setting.commas = true;
  return setting;
}

Setting with_table(Setting setting, std::string table, std::vector<Field> fields) {
  setting.table = std::move(table);
  setting.fields = std::move(fields);
  return setting;
}

Setting secret(Setting setting) {
  setting.secret = true;
  return setting;
}

Setting without_flag(Setting setting) {
  setting.has_flag = false;
  return setting;
}

Setting without_key(Setting setting) {
  setting.has_key = false;
  return setting;
}

std::vector<Setting> serving() {
  return {
      without_key(file("config", &ServeCommand::config_file, "TOML file with settings")),
      single({"test", "",
              "Test mode: account test/test and token \"test\" are valid, binds to 127.0.0.1, no drain wait",
              Form::toggle},
             in(&Config::test_mode), read_toggle, write_toggle),
      single({"host", "ADDRESS", "Address to listen on"}, in(&Config::address), read_text, as_it_is),
      number("port", &Config::port, 0, 65535, "Port to listen on; 0: one that is free"),
      number("threads", &Config::threads, 1, most_threads,
             "Threads; one carries some 30,000 calls per second"),
      with_table(with_commas(repeated({"endpoint", "NAME=KIND[:REASON]",
                                       "An endpoint of kind service, broadcast or reject; repeatable"},
                                      in(&Config::endpoints), read_endpoint, write_endpoint)),
                 "endpoint", {{"name", ""}, {"kind", "="}, {"reason", ":", false}}),
      single({"log-level", "LEVEL", "Least level of what is logged to stderr: debug, info, warning or error"},
             in(&ServeCommand::log_level), read_level, write_level),
  };
}

std::vector<Setting> credentials() {
  return {
      file("password-file", &ServeCommand::password_file, "Accounts, a line each: user,bcrypt-hash"),
      with_table(repeated({"token-hash", "NAME:SHA256:SCOPE[,SCOPE]",
                           "A bearer token by its hash and what it is good for; repeatable"},
                          in(&Config::tokens), read_token_hash, write_token_hash),
                 "token", {{"name", ""}, {"sha256", ":"}, {"scopes", ":"}}),
      secret(repeated({"token", "TOKEN",
                       "A bearer token that is valid for everything; repeatable; other users of the machine "
                       "can see the flag"},
                      in(&ServeCommand::tokens), read_token, as_it_is)),
      file("token-file", &ServeCommand::token_file,
           "Bearer tokens that are valid for everything, one a line"),
      file("jwt-keys-file", &ServeCommand::jwt_keys_file,
           "Keys of those who issue JSON Web Tokens: a JWK Set; changes count within a second"),
      single({"jwt-issuer", "ISSUER", "Only JSON Web Tokens of this issuer count"}, in(&Config::Jwt::issuer),
             read_text, as_it_is),
      single(
          {"jwt-audience", "NAME", "Whom JSON Web Tokens have to be for; those that name others don't count"},
          in(&Config::Jwt::audience), read_text, as_it_is),
      without_flag(secret(single({"cookie-key", "TEXT", "Signs log-in cookies; at least 32 bytes"},
                                 in(&Config::cookie_key), read_cookie_key, as_it_is))),
      file("cookie-key-file", &ServeCommand::cookie_key_file,
           "Holds the key that signs log-in cookies, made when it is absent; replicas share it"),
      with_commas(repeated({"allow-origin", "ORIGIN",
                            "An origin whose web pages may call, such as https://lab.example; repeatable"},
                           in(&Config::allowed_origins), read_origin, as_it_is)),
      with_commas(
          repeated({"trusted-proxy", "ADDRESS[/BITS]",
                    "A proxy or its network, whose X-Forwarded-For and X-Forwarded-Proto count; repeatable"},
                   in(&Config::trusted_proxies), read_proxy, as_it_is)),
  };
}

std::vector<Setting> tls() {
  return {
      file("tls-certificate", &Config::Tls::certificate,
           "PEM file of the gateway's certificate and those behind it; the port then speaks TLS only"),
      file("tls-key", &Config::Tls::key, "PEM file of the certificate's key, without a password"),
      file("tls-client-ca", &Config::Tls::client_ca,
           "PEM file of the authorities whose client certificates are believed"),
      single({"tls-client-required", "", "Clients without a certificate are turned away", Form::toggle},
             in(&Config::Tls::client_required), read_toggle, write_toggle),
      with_table(
          repeated({"client-certificate", "NAME:sha256=HEX:scopes=SCOPE[,SCOPE]",
                    "A client certificate that is a credential, or NAME:subject=DN:scopes=...; repeatable"},
                   in(&Config::client_certificates), read_certificate, write_certificate),
          "client_certificate",
          {{"name", ""},
           {"sha256", ":sha256=", false},
           {"subject", ":subject=", false},
           {"scopes", ":scopes="}}),
  };
}

std::vector<Setting> limits() {
  return {
      count("connection-limit", &Limits::connections, 0,
            "Open connections; 0: the limit of open files less 256, or half of it where that is 512 or less"),
      count("connection-reserve", &Limits::connection_reserve, 0,
            "Connections beyond the limit, answered for probes only"),
      count("address-connection-limit", &Limits::address_connections, 0,
            "Open connections of one client address, of IPv6 of a /64; 0: no limit of its own"),
      count("endpoint-connection-limit", &Limits::endpoint_connections, 0,
            "Open WebSockets of one endpoint; 0: no limit of its own"),
      count("handshake-rate", &Limits::handshake_rate, 0,
            "WebSockets that may open per second, all together; 0: any number"),
      count("event-stream-limit", &Limits::event_streams, 1, "Open event streams, all together"),
      bytes("message-limit", &Limits::message, 1, "Size of a message received from a WebSocket"),
      bytes("request-limit", &Limits::request, 1, "Size of the body of an HTTP request"),
      bytes("head-limit", &Limits::head, 64, "Size of the head of an HTTP request"),
      bytes("part-limit", &Limits::part, 1, "Size of one part of an answer, inflated"),
      count("call-limit", &Limits::calls, 1, "Pending calls per endpoint"),
      count("connection-call-limit", &Limits::connection_calls, 0,
            "Pending calls per connection; 0: as many as its endpoint may have"),
      bytes("call-budget", &Limits::call_budget, 1, "Parts that the caller of one call has not read yet"),
      bytes("total-part-budget", &Limits::parts_budget, 1, "The same, all calls together"),
      bytes("outbox-limit", &Limits::outbox, 1, "Messages waiting to be sent to one WebSocket"),
      bytes("total-outbox-budget", &Limits::outboxes_budget, 1, "The same, all WebSockets together"),
      bytes("receive-budget", &Limits::receive_budget, 1, "WebSocket messages being received, all together"),
      bytes("body-budget", &Limits::body_budget, 1, "HTTP bodies being received, all together"),
      bytes("subscriber-limit", &Limits::subscriber, 1, "Events that one subscriber has not read yet"),
      count("login-limit", &Limits::logins, 1, "Passwords that wait to be checked"),
  };
}

// But for Timeouts::unfetched, which counts only in programs that embed the gateway.
std::vector<Setting> timeouts() {
  return {
      time("call-timeout", &Timeouts::call, moment,
           "Until each part of an answer, unless the caller says otherwise"),
      time("longest-call", &Timeouts::longest_call, moment, "The most that a caller may say"),
      time("head-timeout", &Timeouts::head, moment, "For the head of an HTTP request to arrive"),
      time("body-timeout", &Timeouts::body, moment, "For any progress of the body of a request"),
      time("write-timeout", &Timeouts::write, moment, "For any progress of what is being sent"),
      time("idle-timeout", &Timeouts::idle, moment, "Between two requests on one connection"),
      time("ping-interval", &Timeouts::ping, moment, "Between two pings of a connection"),
      time("silence-timeout", &Timeouts::silence, moment,
           "A connection from which no byte comes for so long is closed"),
      time("close-timeout", &Timeouts::close, moment, "For a peer to answer the closing of its connection"),
      time("login-pause", &Timeouts::login_pause, instant, "From a failed log-in to that user's next try"),
      time("drain-wait", &Timeouts::drain_wait, instant,
           "From SIGTERM until new calls are refused; 0 s with --test"),
      time("drain-grace", &Timeouts::drain_grace, instant, "For pending calls to end at shutdown"),
  };
}

}  // namespace

std::vector<Setting> const& settings() {
  static std::vector<Setting> const all = [] {
    std::vector<Setting> rows;
    auto const add = [&rows](char const* group, std::vector<Setting> of_group) {
      for (Setting& setting : of_group) {
        setting.group = group;
        rows.push_back(std::move(setting));
      }
    };
    add("Serving", serving());
    add("Credentials", credentials());
    add("TLS", tls());
    add("Limits", limits());
    add("Timeouts", timeouts());
    return rows;
  }();
  return all;
}

Setting const& setting_named(std::string_view name) {
  auto const found = std::ranges::find(settings(), name, &Setting::name);
  if (found == settings().end()) throw std::logic_error(fmt::format("there is no setting '{}'", name));
  return *found;
}

}  // namespace reachback::service
