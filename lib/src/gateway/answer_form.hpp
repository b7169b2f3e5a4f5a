#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/exchange.hpp"
#include "gateway/form_name.hpp"

namespace reachback::gateway {

/// What became of a part.
enum class Taken : std::uint8_t {
  ok,
  caller_gone,
  bad_answer,     ///< `fault()` says why; nothing of this part was passed on
  service_error,  ///< the answer is an error and this form cannot carry it
};

/// Writes the parts of one answer to a caller, in one form, at the caller's pace; a small one whole. Lives
/// while the answer lasts.
class AnswerForm {
 public:
  [[nodiscard]] static std::unique_ptr<AnswerForm> make(FormName name, Exchange& exchange,
                                                        std::chrono::steady_clock::time_point asked_at);
  AnswerForm(Exchange& exchange, std::chrono::steady_clock::time_point asked_at)
      : exchange_(exchange), asked_at_(asked_at) {}
  virtual ~AnswerForm() = default;

  /// Takes the whole answer when it is small and `part` is all of it, so that it is written soon, without a
  /// coroutine: the way of nearly all. False: nothing has happened, `take` it.
  [[nodiscard]] virtual bool take_soon(Part const&) { return false; }
  /// Writes one part, or keeps it until those before it have come. After the last part the answer is written
  /// whole. Either way the part is taken, in the sense of credits: a service whose parts come out of order
  /// would otherwise wait for credit with the earlier part in its hands. What is kept is bounded by the
  /// call's budget.
  [[nodiscard]] virtual async::Task<Taken> take(std::unique_ptr<Part> part) = 0;
  /// The answer breaks off after its head has been written.
  [[nodiscard]] virtual async::Task<> break_off(CallFailure const& failure);
  [[nodiscard]] std::string const& fault() const { return fault_; }

 protected:
  /// The head of an answer whose first part is `part`.
  [[nodiscard]] net::HttpResponse head(Part const& part, std::string_view content_type) const;
  /// The same for a whole answer.
  [[nodiscard]] net::HttpResponse answer_head(Part const& part, std::string_view content_type) const;
  /// A whole answer of one part.
  [[nodiscard]] async::Task<Taken> respond(std::unique_ptr<Part> part, std::string_view content_type,
                                           std::string_view body);

  Exchange& exchange_;
  std::string fault_;

 private:
  std::chrono::steady_clock::time_point const asked_at_;
};

}  // namespace reachback::gateway
