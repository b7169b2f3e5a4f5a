#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <exception>
#include <functional>
#include <list>
#include <optional>
#include <string_view>

#include "async/signal.hpp"
#include "async/task.hpp"

namespace reachback::async {

/// The parent of coroutines: starts them, can cancel them, and joins them. Lives on one shard; must be joined
/// before it dies. An exception that leaves a child is given to `report` and ends that child alone.
class TaskGroup {
 public:
  using Report = std::function<void(std::exception_ptr)>;

  TaskGroup(Executor executor, Report report);
  ~TaskGroup();
  TaskGroup(TaskGroup const&) = delete;
  TaskGroup& operator=(TaskGroup const&) = delete;

  /// Starts `task` in the current turn of the loop.
  void spawn(Task<> task);
  /// Terminal cancellation of every child that runs now.
  void cancel();
  /// Returns when no child is left, also of those spawned meanwhile. One waiter at a time.
  [[nodiscard]] Task<> join();
  [[nodiscard]] std::size_t size() const { return children_.size(); }

 private:
  Executor executor_;
  Report report_;
  std::list<asio::cancellation_signal> children_;
  Signal empty_;
};

}  // namespace reachback::async
