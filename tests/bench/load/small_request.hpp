#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/load/nonce.hpp"
#include "bench/load/options.hpp"

namespace reachback::bench {

/// A call of the service with a nonce, as it is sent.
[[nodiscard]] std::string call_text(Options const& options, std::string_view endpoint,
                                    std::string_view attribute, std::string_view nonce);

/// Calls that are echoed: the same request again and again, each time with another nonce.
class SmallRequest {
 public:
  /// `--size` is the nonce's. Throws std::invalid_argument when it cannot be.
  SmallRequest(Options const& options, std::string_view endpoint, NonceSource& nonces);

  /// The next request, as long as there is no other.
  [[nodiscard]] std::string_view next();
  /// Throws std::runtime_error unless that is the answer, to the last byte of its nonce.
  void check(std::string_view body) const;

 private:
  [[nodiscard]] std::string_view nonce() const {
    return std::string_view(text_).substr(nonce_at_, nonce_size_);
  }

  std::string text_;
  std::size_t nonce_at_, nonce_size_;
  NonceSource& nonces_;
};

}  // namespace reachback::bench
