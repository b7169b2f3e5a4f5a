#include "gateway/request_parameters.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace reachback;
using namespace std::chrono_literals;
using gateway::FormName;
using gateway::read_target;
using wire::HttpFields;

namespace {

HttpFields fields_with(std::string_view name, std::vector<std::string> const& values) {
  HttpFields fields;
  for (auto const& value : values) fields.add(name, value);
  return fields;
}

Result<core::Duration> timeout_of(std::string const& query, HttpFields const& fields = {}) {
  return gateway::read_timeout(*read_target("/" + query), fields, Config());
}

Result<FormName> form_of(std::vector<std::string> const& accept) {
  return gateway::read_form_name(fields_with("Accept", accept));
}

}  // namespace

TEST_SUITE("request parameters: time-out") {
  TEST_CASE("is the default when nothing is said") {
    CHECK(timeout_of("").value() == 60s);
    CHECK(timeout_of("?other=1").value() == 60s);
  }

  TEST_CASE("is the query's number of seconds, fractions allowed") {
    CHECK(timeout_of("?timeout=2").value() == 2s);
    CHECK(timeout_of("?timeout=0.25").value() == 250ms);
    CHECK(timeout_of("?timeout=3600").value() == 1h);
  }

  TEST_CASE("of 0, less, more than an hour, or that is no number is a bad parameter that was not sent") {
    for (std::string const value : {"0", "-1", "3600.1", "1e3", "abc", "", "inf", "nan", "1,5", "0x10", "+5",
                                    " 5", "1.2.3", "99999999999999999999999999"}) {
      CAPTURE(value);
      auto const timeout = timeout_of("?timeout=" + value);
      REQUIRE(timeout.has_error());
      CHECK(timeout.error().problem == Problem::bad_parameter);
      CHECK(timeout.error().delivery == Delivery::not_sent);
    }
  }

  TEST_CASE("may come as Prefer, in a list, in any letter case, with parameters") {
    CHECK(timeout_of("", fields_with("Prefer", {"wait=5"})).value() == 5s);
    CHECK(timeout_of("", fields_with("Prefer", {"respond-async, WAIT = 7 ; foo=bar"})).value() == 7s);
    CHECK(timeout_of("", fields_with("Prefer", {"respond-async", "wait=9"})).value() == 9s);
  }

  TEST_CASE("the query wins over Prefer, and a Prefer that cannot be read is ignored") {
    CHECK(timeout_of("?timeout=2", fields_with("Prefer", {"wait=5"})).value() == 2s);
    CHECK(timeout_of("", fields_with("Prefer", {"wait=soon"})).value() == 60s);
    CHECK(timeout_of("", fields_with("Prefer", {"wait"})).value() == 60s);
    CHECK(timeout_of("", fields_with("Prefer", {"waiting=5"})).value() == 60s);
  }
}

TEST_SUITE("request parameters: connection") {
  TEST_CASE("is none, an id, or an unknown connection") {
    CHECK_FALSE(gateway::read_connection(*read_target("/")).value().has_value());
    CHECK(gateway::read_connection(*read_target("/?connection=42")).value() == ConnectionId{42});
    for (std::string const value : {"", "x", "-1", "+1", "1.5", "0x1", "99999999999999999999", "%201"}) {
      CAPTURE(value);
      auto const connection = gateway::read_connection(*read_target("/?connection=" + value));
      REQUIRE(connection.has_error());
      CHECK(connection.error().problem == Problem::no_connection);
    }
  }
}

TEST_SUITE("request parameters: form of the answer") {
  TEST_CASE("is JSON when nothing is asked for, or anything will do") {
    CHECK(form_of({}).value() == FormName::json);
    for (std::string const accept :
         {"", "*/*", "application/*", "application/json", "Application/JSON; charset=utf-8"}) {
      CAPTURE(accept);
      CHECK(form_of({accept}).value() == FormName::json);
    }
  }

  TEST_CASE("is what is named, in any letter case") {
    CHECK(form_of({"application/x-ndjson"}).value() == FormName::ndjson);
    CHECK(form_of({"APPLICATION/OCTET-STREAM"}).value() == FormName::octet_stream);
    CHECK(form_of({"text/html, application/octet-stream"}).value() == FormName::octet_stream);
    CHECK(form_of({"text/html", "application/x-ndjson"}).value() == FormName::ndjson);
  }

  TEST_CASE("is the one with the highest weight, of equal ones the first") {
    CHECK(form_of({"application/json;q=0.5, application/x-ndjson;q=0.9"}).value() == FormName::ndjson);
    CHECK(form_of({"application/x-ndjson; Q=0.1, */*"}).value() == FormName::json);
    CHECK(form_of({"application/octet-stream, application/x-ndjson"}).value() == FormName::octet_stream);
  }

  TEST_CASE("that we don't have, or that is weighted 0, is not acceptable") {
    for (std::string const accept : {"text/html", "application/json;q=0", "image/*"}) {
      CAPTURE(accept);
      auto const form = form_of({accept});
      REQUIRE(form.has_error());
      CHECK(form.error().problem == Problem::not_acceptable);
    }
  }
}

TEST_SUITE("request parameters: content type") {
  TEST_CASE("is JSON or absent; on another the failure names what to send") {
    CHECK(gateway::check_json_type({}).has_value());
    for (std::string const type : {"application/json", "Application/JSON", "application/json; charset=utf-8",
                                   " application/json ;x=y"}) {
      CAPTURE(type);
      CHECK(gateway::check_json_type(fields_with("Content-Type", {type})).has_value());
    }
    for (std::string const type : {"text/plain", "application/jsonx", "application/x-www-form-urlencoded"}) {
      CAPTURE(type);
      auto const checked = gateway::check_json_type(fields_with("Content-Type", {type}));
      REQUIRE(checked.has_error());
      CHECK(checked.error().problem == Problem::unsupported_media_type);
      CHECK(checked.error().detail.find("-H 'Content-Type: application/json'") != std::string::npos);
    }
  }
}
