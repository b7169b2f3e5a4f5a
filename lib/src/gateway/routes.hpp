#pragma once

#include "gateway/exchange.hpp"

namespace reachback::gateway {

/// Makes of a request's head what holds for every request with the same one: its target, which stays empty
/// when it is malformed, and its route.
void plan(Exchange& exchange);
/// Answers one request: path and method to a handler, credentials before it, problems after it. The only
/// place where errors become HTTP.
[[nodiscard]] async::Task<> route(Exchange& exchange);

/// Probes need no credential, and the reserve answers them too.
[[nodiscard]] bool is_probe(RequestTarget const& target);

// The handlers, each in the file of its name. `exchange.captures` has what the stars of its pattern stand
// for.
async::Task<> serve_call(Exchange& exchange);             // call_route.cpp
async::Task<> serve_message(Exchange& exchange);          // message_route.cpp
async::Task<> serve_endpoint_events(Exchange& exchange);  // event_routes.cpp
async::Task<> serve_all_events(Exchange& exchange);
async::Task<> serve_endpoints(Exchange& exchange);  // endpoint_routes.cpp
async::Task<> serve_endpoint(Exchange& exchange);
async::Task<> serve_close_connection(Exchange& exchange);
async::Task<> serve_close_connections(Exchange& exchange);
async::Task<> serve_close_all(Exchange& exchange);
async::Task<> serve_live(Exchange& exchange);  // operating_routes.cpp
async::Task<> serve_ready(Exchange& exchange);
async::Task<> serve_version(Exchange& exchange);
async::Task<> serve_metrics(Exchange& exchange);
async::Task<> serve_problem_page(Exchange& exchange);
async::Task<> serve_home(Exchange& exchange);  // account_routes.cpp
async::Task<> serve_login_page(Exchange& exchange);
async::Task<> serve_login(Exchange& exchange);
async::Task<> serve_logout(Exchange& exchange);
async::Task<> serve_upgrade(Exchange& exchange, Endpoint& endpoint);  // upgrade_route.cpp

}  // namespace reachback::gateway
