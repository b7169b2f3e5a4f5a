#include <fmt/format.h>

#include <cctype>

#include "gateway/routes.hpp"
#include "gateway/secrets.hpp"

namespace reachback::gateway {
namespace {

constexpr std::size_t longest_form = 16 * 1024;

std::string escape_html(std::string_view text) {
  std::string escaped;
  for (char const c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

/// Only our own paths: no other scheme or host, nothing that a browser reads as one, no header injection.
std::string own_path(std::string_view next) {
  bool const plain = next.find_first_of("\\\r\n\t") == std::string_view::npos;
  bool printable = plain;
  for (char const c : next)
    printable = printable && static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f;
  if (!printable || !next.starts_with('/') || next.starts_with("//")) return "/";
  return std::string(next);
}

std::string next_of(Exchange const& exchange) {
  return own_path(exchange.target.parameter("next").value_or("/"));
}

/// For a query: everything that could end the value or be read otherwise is percent-encoded.
std::string encode_query(std::string_view text) {
  std::string encoded;
  for (char const c : text) {
    bool const plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("/-_.~").find(c) != std::string_view::npos;
    plain ? static_cast<void>(encoded += c)
          : static_cast<void>(
                fmt::format_to(std::back_inserter(encoded), "%{:02X}", static_cast<unsigned char>(c)));
  }
  return encoded;
}

std::string login_page(std::string_view xsrf, std::string_view next, std::string_view error) {
  std::string const notice =
      error.empty() ? "" : fmt::format("<p role=\"alert\">{}</p>\n", escape_html(error));
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Log "
      "in</title></head>\n<body>\n<h1>Log in</h1>\n"
      "{}<form action=\"/login?next={}\" method=\"post\">\n<input type=\"hidden\" name=\"_xsrf\" "
      "value=\"{}\">\n"
      "<label>Name <input name=\"name\" autocomplete=\"username\" autofocus></label>\n"
      "<label>Password <input type=\"password\" name=\"password\" "
      "autocomplete=\"current-password\"></label>\n"
      "<button>Log in</button>\n</form>\n</body></html>\n",
      notice, encode_query(next), escape_html(xsrf));
}

net::HttpResponse page(std::string body) {
  net::HttpResponse response;
  response.content_type = "text/html; charset=utf-8";
  response.fields.add("Cache-Control", "no-store");
  response.fields.add("X-Frame-Options", "DENY");
  response.body = std::move(body);
  return response;
}

net::HttpResponse redirect(std::string_view to) {
  net::HttpResponse response;
  response.status = 302;
  response.fields.add("Location", to);
  response.fields.add("Cache-Control", "no-store");
  return response;
}

/// Only values that we could have made ourselves are taken over from a cookie.
bool is_xsrf(std::string_view value) {
  return value.size() == 32 && value.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Sent over TLS alone by browsers when it came so.
std::string set_cookie(Exchange const& exchange, std::string_view cookie) {
  return fmt::format("{}; Path=/; SameSite=Lax{}", cookie, exchange.client().https ? "; Secure" : "");
}

async::Task<> show_login(Exchange& exchange, std::string error, int status = 200,
                         std::chrono::seconds retry_after = {}) {
  std::string_view const old = cookie(exchange.head().fields, "_xsrf");
  std::string const xsrf = is_xsrf(old) ? std::string(old) : Credentials::make_xsrf();
  net::HttpResponse response = page(login_page(xsrf, next_of(exchange), error));
  response.status = status;
  if (retry_after.count() != 0) response.fields.add("Retry-After", std::to_string(retry_after.count()));
  response.fields.add("Set-Cookie", set_cookie(exchange, fmt::format("_xsrf={}", xsrf)));
  co_await exchange.respond(std::move(response));
}

std::string_view value_of(std::vector<std::pair<std::string, std::string>> const& form,
                          std::string_view name) {
  for (auto const& [key, value] : form) {
    if (key == name) return value;
  }
  return {};
}

async::Task<> let_in(Exchange& exchange, std::string_view user) {
  std::string const login = exchange.core.credentials().make_login(user, std::chrono::system_clock::now());
  auto const age = std::chrono::seconds(Credentials::login_lasts).count();
  net::HttpResponse response = redirect(next_of(exchange));
  response.fields.add("Set-Cookie",
                      set_cookie(exchange, fmt::format("login={}; Max-Age={}; HttpOnly", login, age)));
  co_await exchange.respond(std::move(response));
}

async::Task<> turn_away(Exchange& exchange, LoginVerdict const& verdict) {
  using Kind = LoginVerdict::Kind;
  if (verdict.kind == Kind::too_many) exchange.count(core::Bound::login_limit);
  if (verdict.kind == Kind::too_soon) exchange.count(core::Bound::login_pause);
  if (verdict.kind == Kind::unavailable || verdict.kind == Kind::too_many) {
    auto const problem = exchange.core.draining() ? Problem::draining : Problem::overloaded;
    co_await exchange.refuse(problem, "passwords cannot be checked now");
    co_return;
  }
  exchange.core.log(LogLevel::info, fmt::format("a log-in failed, from {}", exchange.client().shown));
  if (verdict.kind == Kind::wrong) {
    co_await show_login(exchange, "Wrong name or password.");
    co_return;
  }
  auto const wait = std::chrono::ceil<std::chrono::seconds>(verdict.wait);
  std::string notice = fmt::format("Too many tries. Wait {} s.", wait.count());
  co_await show_login(exchange, std::move(notice), 429, wait);
}

}  // namespace

async::Task<> serve_home(Exchange& exchange) {
  if (!exchange.who) {
    net::HttpResponse response = redirect("/login?next=/");
    co_await exchange.respond(std::move(response));
    co_return;
  }
  std::string list;
  for (auto const& endpoint : exchange.core.endpoints()) {
    if (!exchange.who->may(Action::watch, endpoint->name())) continue;
    list += fmt::format("<li>{} ({})</li>\n", escape_html(endpoint->name()), to_string(endpoint->kind()));
  }
  net::HttpResponse response =
      page(fmt::format("<!DOCTYPE html>\n<html lang=\"en\"><head><meta "
                       "charset=\"utf-8\"><title>Reachback</title></head>\n<body>\n"
                       "<h1>Reachback</h1>\n<p>Logged in as {}. <a href=\"/logout\">Log "
                       "out</a></p>\n<ul>\n{}</ul>\n</body></html>\n",
                       escape_html(exchange.who->user), list));
  co_await exchange.respond(std::move(response));
}

async::Task<> serve_login_page(Exchange& exchange) { co_await show_login(exchange, {}); }

async::Task<> serve_login(Exchange& exchange) {
  if (exchange.head().content_length.value_or(0) > longest_form) {
    co_await exchange.refuse(Problem::too_large, "a log-in form is smaller");
    co_return;
  }
  auto const body = co_await exchange.session.read_body(longest_form);
  if (!body) {
    co_await exchange.refuse(body.error().problem, body.error().detail);
    co_return;
  }
  auto const form = read_form(body->view());
  if (!form) {
    co_await exchange.refuse(Problem::bad_message, "the form is malformed");
    co_return;
  }
  std::string_view const xsrf = cookie(exchange.head().fields, "_xsrf");
  if (xsrf.empty() || !equal_in_constant_time(xsrf, value_of(*form, "_xsrf"))) {
    co_await exchange.refuse(Problem::forbidden, "'_xsrf' is missing or is not the cookie's");
    co_return;
  }
  LoginTry attempt{std::string(value_of(*form, "name")), std::string(value_of(*form, "password")),
                   exchange.client().address};
  std::string const user = attempt.user;
  LoginVerdict const verdict = co_await exchange.core.login_desk().judge(std::move(attempt));
  if (verdict.kind == LoginVerdict::Kind::right) {
    co_await let_in(exchange, user);
  } else {
    co_await turn_away(exchange, verdict);
  }
}

async::Task<> serve_logout(Exchange& exchange) {
  net::HttpResponse response = redirect("/login");
  response.fields.add("Set-Cookie", set_cookie(exchange, "login=; Max-Age=0; HttpOnly"));
  co_await exchange.respond(std::move(response));
}

}  // namespace reachback::gateway
