#include "async/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <cassert>
#include <iterator>

namespace reachback::async {

TaskGroup::TaskGroup(Executor executor, Report report)
    : executor_(executor), report_(std::move(report)), empty_(executor) {}

TaskGroup::~TaskGroup() { assert(children_.empty()); }

void TaskGroup::spawn(Task<> task) {
  auto const child = children_.emplace(children_.end());
  asio::co_spawn(executor_, std::move(task),
                 asio::bind_cancellation_slot(child->slot(), [this, child](std::exception_ptr const& error) {
                   children_.erase(child);
                   if (error) report_(error);
                   if (children_.empty()) empty_.notify();
                 }));
}

void TaskGroup::cancel() {
  for (auto child = children_.begin(); child != children_.end();) {
    auto const current = child++;
    current->emit(asio::cancellation_type::terminal);
  }
}

Task<> TaskGroup::join() {
  while (!children_.empty()) co_await empty_.wait();
}

}  // namespace reachback::async
