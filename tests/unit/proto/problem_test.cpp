#include "reachback/proto/problem.hpp"

#include <algorithm>
#include <set>

#include <doctest/doctest.h>
#include <boost/json.hpp>

#include "reachback/proto/answer.hpp"

namespace reachback::proto {
namespace {

TEST_CASE("every problem has its own name, a title and a page, and is found by its name") {
  std::set<std::string_view> names;
  for (auto const problem : all_problems()) {
    auto const name = name_of(problem);
    CAPTURE(name);
    CHECK(names.insert(name).second);
    CHECK(std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; }));
    CHECK_FALSE(title_of(problem).empty());
    CHECK(explanation_of(problem).size() > 80);
    CHECK(problem_by_name(name) == problem);
  }
  CHECK(names.size() == 31);
  CHECK_FALSE(problem_by_name("bad_message"));
  CHECK_FALSE(problem_by_name(""));
}

TEST_CASE("the statuses are those of the contract") {
  auto const status = [](std::string_view name) { return http_status_of(problem_by_name(name).value()); };
  for (auto const* name : {"bad-message", "bad-parameter", "bad-request"}) CHECK(status(name) == 400);
  CHECK(status("unauthorized") == 401);
  CHECK(status("forbidden") == 403);
  for (auto const* name : {"no-endpoint", "no-connection", "not-found"}) CHECK(status(name) == 404);
  CHECK(status("method-not-allowed") == 405);
  CHECK(status("not-acceptable") == 406);
  CHECK(status("too-slow") == 408);
  CHECK(status("wrong-kind") == 409);
  CHECK(status("too-large") == 413);
  CHECK(status("uri-too-long") == 414);
  CHECK(status("unsupported-media-type") == 415);
  CHECK(status("expectation-failed") == 417);
  CHECK(status("upgrade-required") == 426);
  CHECK(status("too-many-calls") == 429);
  CHECK(status("head-too-large") == 431);
  CHECK(status("internal") == 500);
  for (auto const* name : {"service-closed", "bad-answer", "service-error", "slow-caller"})
    CHECK(status(name) == 502);
  for (auto const* name : {"no-service", "service-busy", "overloaded", "draining", "disabled"})
    CHECK(status(name) == 503);
  CHECK(status("timed-out") == 504);
}

TEST_CASE("a problem document carries what is known and leaves out the rest") {
  ProblemDocument document;
  document.problem = Problem::service_error;
  document.detail = "a \"detail\"";
  CHECK(
      to_json(document) ==
      R"({"type":"/problems/service-error","title":"The service reports an error","status":502,"detail":"a \"detail\""})");
  document.endpoint = "wsData";
  document.call_id = CallId{7};
  document.delivery = Delivery::not_sent;
  document.service_message = R"({"status":500})";
  auto const value = boost::json::parse(to_json(document));
  CHECK(value.at("endpoint") == "wsData");
  CHECK(value.at("callId").as_int64() == 7);
  CHECK(value.at("delivery") == "not-sent");
  CHECK(value.at("message").at("status").as_int64() == 500);
}

TEST_CASE("a problem document is JSON whatever bytes its texts have") {
  ProblemDocument document;
  document.detail = "no endpoint \xFF\x01\\";
  document.endpoint = "\xC3";
  auto const value = boost::json::parse(to_json(document));
  CHECK(value.at("endpoint") == "\xEF\xBF\xBD");
  CHECK(value.at("detail") == "no endpoint \xEF\xBF\xBD\x01\\");
}

TEST_CASE("deliveries have the names of the contract") {
  CHECK(to_string(Delivery::not_sent) == "not-sent");
  CHECK(to_string(Delivery::sent) == "sent");
  CHECK(to_string(Delivery::unknown) == "unknown");
}

TEST_CASE("the seed's error message has its shape") {
  CHECK(error_message("error", 401, "Websocket authentication failed") ==
        R"({"cmd":"error","status":401,"error":"Websocket authentication failed"})");
  CHECK(error_message("unknown", closed_status, closed_text, CallId{7}) ==
        R"({"cmd":"unknown","status":499,"error":"Client closed connection","callId":7})");
  CHECK(read_answer(error_message("a\"b", 400, "c\\d", CallId{7})).has_value());
}

TEST_CASE("the seed's text names the service that is missing") {
  CHECK(no_service_text("wsData") ==
        "RemoteService: DataService not connected. Please start the remote service.");
  CHECK(no_service_text("wsSubject") ==
        "RemoteService: SubjectService not connected. Please start the remote service.");
  CHECK(no_service_text("other").find("DataService") != std::string::npos);
}

}  // namespace
}  // namespace reachback::proto
