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
/// holds a permit of what bounds it (a pending call, a share of a budget).
class Mailbox {
 public:
  explicit Mailbox(Executor executor) : executor_(executor) {}
  ~Mailbox() { close(); }
  Mailbox(Mailbox const&) = delete;
  Mailbox& operator=(Mailbox const&) = delete;

  /// `function` runs on the shard's thread, or is destroyed without being run when the mailbox is closed. It
  /// must not throw.
  template <class Function>
  void post(Function&& function) {
    Letter* letter = new LetterOf<std::decay_t<Function>>(std::forward<Function>(function));
    Letter* head = head_.load(std::memory_order_acquire);
    do {
      if (head == &closed_) return destroy(letter);
      letter->next = head;
    } while (
        !head_.compare_exchange_weak(head, letter, std::memory_order_release, std::memory_order_acquire));
    // Only who finds it empty wakes the shard: the others' letters are in the same batch.
    if (head == nullptr) boost::asio::post(executor_, [this] { run_all(); });
  }

  /// For the shard, when it has ended: what waits is destroyed, and so is whatever is still posted, so that
  /// who waits for a promise in it learns that nothing comes of it.
  void close() {
    Letter* const waiting = head_.exchange(&closed_, std::memory_order_acq_rel);
    if (waiting != &closed_) destroy(waiting);
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

  struct Closed final : Letter {
    void run() override {}
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
  Closed closed_;  ///< at the head of a closed mailbox
  std::atomic<Letter*> head_{nullptr};
};

}  // namespace reachback::async
