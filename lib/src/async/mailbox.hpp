#pragma once

#include <atomic>
#include <boost/asio/post.hpp>
#include <memory>
#include <type_traits>
#include <utility>

#include "async/task.hpp"
#include "async/turn.hpp"

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
    put(std::forward<Function>(function));
    wake();
  }
  /// The same, but it may wait until somebody wakes the shard: call `wake` soon.
  template <class Function>
  void put(Function&& function) {
    Letter* letter = new LetterOf<std::decay_t<Function>>(std::forward<Function>(function));
    Letter* head = head_.load(std::memory_order_acquire);
    do {
      if (head == &closed_) return delete letter;  // alone: what it was to lie upon is not its own
      letter->next = head;
    } while (!head_.compare_exchange_weak(head, letter, std::memory_order_seq_cst));
  }
  /// Whether a wake-up is on its way that finds what has been put before.
  [[nodiscard]] bool woken() const { return woken_.load(std::memory_order_seq_cst); }
  /// Letters that come together cost one wake-up.
  void wake() {
    if (waiting()) post_run();
  }

  /// For the shard, when it has ended: what waits is destroyed, and so is whatever is still posted, so that
  /// who waits for a promise in it learns that nothing comes of it.
  void close() {
    Letter* const waiting = head_.exchange(&closed_, std::memory_order_acq_rel);
    destroy(std::exchange(next_, nullptr));
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

  [[nodiscard]] bool waiting() const {
    Letter const* const head = head_.load(std::memory_order_seq_cst);
    return head != nullptr && head != &closed_;
  }

  /// Oldest first.
  Letter* take_all() {
    Letter* newest = head_.exchange(nullptr, std::memory_order_seq_cst);
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

  /// One batch, or what an earlier turn of the loop has left of one.
  void run_all() {
    // Before the letters are taken: whoever puts one that is not among them sees that it has to wake.
    woken_.store(false, std::memory_order_seq_cst);
    Turn const turn;
    if (next_ == nullptr) next_ = take_all();
    for (std::size_t ran = 0; next_ != nullptr; ++ran) {
      if (ran % letters_per_look == letters_per_look - 1 && turn.over()) break;
      std::unique_ptr<Letter> const current(std::exchange(next_, next_->next));
      current->run();
    }
    if (next_ != nullptr || waiting()) post_run();
  }

  void post_run() {
    if (woken() || woken_.exchange(true, std::memory_order_seq_cst)) return;
    boost::asio::post(executor_, [this] { run_all(); });
  }

  /// Looking at the clock costs as much as a short letter.
  static constexpr std::size_t letters_per_look = 4;

  Executor executor_;
  Closed closed_;  ///< at the head of a closed mailbox
  std::atomic<Letter*> head_{nullptr};
  std::atomic<bool> woken_{false};  ///< `run_all` has been posted
  Letter* next_ = nullptr;          ///< of the batch that is being run; for the shard's thread
};

}  // namespace reachback::async
