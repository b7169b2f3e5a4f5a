#pragma once

#include <boost/system/result.hpp>
#include <optional>
#include <stdexcept>
#include <string>

#include "reachback/proto/ids.hpp"
#include "reachback/proto/problem.hpp"

namespace reachback {

using proto::CallId;
using proto::ConnectionId;
using proto::Delivery;
using proto::Problem;

/// Why a call, a message or a look-up failed: the same names that HTTP callers see (http-api.md's table).
/// Timed out
/// (`timed_out`), peer gone (`service_closed`), shutting down (`draining`) and nobody there (`no_service`)
/// are different.
struct Failure {
  Problem problem = Problem::internal;
  std::string detail;
  Delivery delivery = Delivery::not_sent;
};

[[noreturn]] inline void throw_exception_from_error(Failure const& failure, boost::source_location const&) {
  throw std::runtime_error(std::string(proto::name_of(failure.problem)) + ": " + failure.detail);
}

/// A value, or the failure. `value()` throws std::runtime_error on a failure, as the seed's functions raise.
template <class T>
using Result = boost::system::result<T, Failure>;

/// The gateway could not start: a port in use, a setting that makes no sense. `what()` is one line for a
/// person.
class StartError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace reachback
