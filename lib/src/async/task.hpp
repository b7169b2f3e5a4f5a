#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <utility>

namespace reachback::async {

namespace asio = boost::asio;
using boost::system::error_code;

/// The one executor type of the library: a shard's io_context. Concrete, so that no call goes through
/// any_executor.
using Executor = asio::io_context::executor_type;

/// A coroutine on a shard.
template <class T = void>
using Task = asio::awaitable<T, Executor>;

/// Completion token: results come as a tuple with the error code first, nothing is thrown.
inline constexpr auto use_task = asio::as_tuple(asio::use_awaitable_t<Executor>{});

/// A suspended coroutine, to be called once.
using Waiter = asio::async_result<asio::use_awaitable_t<Executor>, void()>::handler_type;

/// Suspends the coroutine that awaits it, and gives it to `keep` as a Waiter.
template <class Keep>
[[nodiscard]] Task<> suspend(Keep keep) {
  asio::use_awaitable_t<Executor> token;
  return asio::async_initiate<asio::use_awaitable_t<Executor>, void()>(std::move(keep), token);
}

}  // namespace reachback::async
