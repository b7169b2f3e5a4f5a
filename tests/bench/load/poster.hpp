#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "bench/io/sockets.hpp"
#include "bench/load/caller.hpp"

namespace reachback::bench {

/// Posts messages to all subscribers of wsUser.
class Poster final : public Caller {
 public:
  Poster(Loop& loop, Options const& options) : Caller(loop, connect_to(options.port)), options_(options) {}

  void send(std::string_view message) {
    answered_ = false;
    output().append(
        post(options_, "/v1/endpoints/wsUser/messages", "text/plain", "application/json", message));
  }
  [[nodiscard]] bool answered() const { return answered_; }
  /// The last answer, `{"delivered":N}`.
  [[nodiscard]] std::string const& answer() const { return answer_; }

 protected:
  void on_body(std::string_view bytes) override {
    if (!began_) answer_.clear();
    began_ = true;
    answer_.append(bytes);
  }
  void on_answered() override {
    answered_ = true;
    began_ = false;
  }

 private:
  Options const& options_;
  bool answered_ = true, began_ = false;
  std::string answer_;
};

}  // namespace reachback::bench
