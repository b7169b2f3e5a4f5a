#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <memory>
#include <type_traits>
#include <utility>

#include "async/task.hpp"

namespace reachback::async {

/// Brings function objects from any thread to one shard, in the order in which each sender posted them.
/// Lock-free; many messages cost one wake-up of the loop. It has no bound of its own: whatever is posted
/// holds a permit of what bounds it (a pending call, a share of a budget). What is left when it dies is
/// destroyed without being run.
class Mailbox {
 public:
  explicit Mailbox(Executor executor) : executor_(executor) {}
  ~Mailbox() { destroy(take_all()); }
  Mailbox(Mailbox const&) = delete;
  Mailbox& operator=(Mailbox const&) = delete;

  /// `function` runs on the shard's thread. It must not throw.
  template <class Function>
  void post(Function&& function) {
    Letter* letter = new LetterOf<std::decay_t<Function>>(std::forward<Function>(function));
    Letter* head = head_.load(std::memory_order_relaxed);
    do {
      letter->next = head;
    } while (
        !head_.compare_exchange_weak(head, letter, std::memory_order_release, std::memory_order_relaxed));
    // Only who finds it empty wakes the shard: the others' letters are in the same batch.
    if (head == nullptr) boost::asio::post(executor_, [this] { run_all(); });
  }

 private:
  struct Letter {
    Letter* next = nullptr;
    virtual ~Letter() = default;
    virtual void run() = 0;
  };
  template <class Function>
  struct LetterOf final : Letter {
    template <class F>
    explicit LetterOf(F&& f) : function(std::forward<F>(f)) {}
    void run() override { function(); }
    Function function;
  };

  /// Oldest first.
  Letter* take_all() {
    Letter* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Letter* oldest = nullptr;
    while (newest != nullptr) {
      Letter* const older = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = older;
    }
    return oldest;
  }

  static void destroy(Letter* letter) {
    while (letter != nullptr) std::unique_ptr<Letter>(std::exchange(letter, letter->next));
  }

  void run_all() {
    Letter* letter = take_all();
    while (letter != nullptr) {
      std::unique_ptr<Letter> const current(std::exchange(letter, letter->next));
      current->run();
    }
  }

  Executor executor_;
  std::atomic<Letter*> head_{nullptr};
};

}  // namespace reachback::async
