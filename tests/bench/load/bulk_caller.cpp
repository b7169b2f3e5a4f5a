#include "bench/load/bulk_caller.hpp"

#include <chrono>

#include "bench/io/sockets.hpp"
#include "bench/load/service.hpp"

namespace reachback::bench {
namespace {

constexpr std::string_view nonce = "BulkCall";
constexpr double mib = 1 << 20;

}  // namespace

BulkCaller::BulkCaller(Loop& loop, Options const& options, BulkAnswer const& answer)
    : Caller(loop, connect_to(options.port)),
      expected_(answer.expected(options.form)),
      // In lines the payload is base64.
      bytes_per_second_(options.read_mib * mib * (options.form == Form::lines ? 4.0 / 3 : 1)) {
  expected_.begin(nonce);
  output().append(post(options, "/v1/endpoints/wsData/requests?timeout=60", "application/json",
                       accept_of(options.form), request_text(parts, nonce)));
}

void BulkCaller::on_body(std::string_view bytes) {
  taken_ += static_cast<double>(bytes.size());
  expected_.take(bytes);
}

void BulkCaller::on_answered() {
  expected_.finish();
  ended_ = true;
}

bool BulkCaller::may_read() const {
  return bytes_per_second_ == 0 ||
         taken_ <= bytes_per_second_ * std::chrono::duration<double>(Clock::now() - began_).count();
}

}  // namespace reachback::bench
