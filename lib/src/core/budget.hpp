#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace reachback::core {

class Budget;

/// A share of a budget, given back when it dies. It may die on another thread than it was made on.
class Permit {
 public:
  Permit() = default;
  Permit(Permit&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), amount_(std::exchange(other.amount_, 0)) {}
  Permit& operator=(Permit&& other) noexcept {
    Permit taken(std::move(other));
    std::swap(budget_, taken.budget_);
    std::swap(amount_, taken.amount_);
    return *this;
  }
  ~Permit();

  [[nodiscard]] std::size_t amount() const { return amount_; }

  /// Gives back what is more than `amount`.
  void shrink_to(std::size_t amount);

  /// Takes another share of the same budget over.
  void add(Permit other) {
    if (budget_ == nullptr) {
      *this = std::move(other);
    } else {
      amount_ += std::exchange(other.amount_, 0);
    }
  }

 private:
  friend class Budget;
  Permit(Budget& budget, std::size_t amount) : budget_(&budget), amount_(amount) {}

  Budget* budget_ = nullptr;
  std::size_t amount_ = 0;
};

/// A bound in bytes or pieces that objects on all shards share. Lock-free; outlives its permits.
class Budget {
 public:
  static constexpr std::size_t unlimited = SIZE_MAX;

  explicit Budget(std::size_t limit) : limit_(limit) {}
  Budget(Budget const&) = delete;
  Budget& operator=(Budget const&) = delete;

  /// Nothing when `amount` more would exceed the limit.
  [[nodiscard]] std::optional<Permit> acquire(std::size_t amount) {
    std::size_t used = used_.load(std::memory_order_relaxed);
    do {
      if (amount > limit_ || used > limit_ - amount) return std::nullopt;
    } while (!used_.compare_exchange_weak(used, used + amount, std::memory_order_relaxed));
    return Permit(*this, amount);
  }

  [[nodiscard]] std::size_t used() const { return used_.load(std::memory_order_acquire); }
  [[nodiscard]] std::size_t limit() const { return limit_; }

 private:
  friend class Permit;
  // Whoever then sees that nothing is used may destroy the budget.
  void release(std::size_t amount) { used_.fetch_sub(amount, std::memory_order_release); }

  std::size_t const limit_;
  std::atomic<std::size_t> used_{0};
};

inline void Permit::shrink_to(std::size_t amount) {
  if (amount >= amount_) return;
  budget_->release(amount_ - amount);
  amount_ = amount;
}

inline Permit::~Permit() {
  if (budget_ != nullptr) budget_->release(amount_);
}

}  // namespace reachback::core
