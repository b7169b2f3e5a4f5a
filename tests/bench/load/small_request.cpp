#include "bench/load/small_request.hpp"

#include <stdexcept>

#include "bench/load/caller.hpp"
#include "bench/load/service.hpp"

namespace reachback::bench {
namespace {

std::size_t checked(std::size_t nonce_size) {
  if (nonce_size < NonceSource::letters || nonce_size % 4 != 0) {
    throw std::invalid_argument("--size of calls is a multiple of 4, at least 8");
  }
  return nonce_size;
}

}  // namespace

std::string call_text(Options const& options, std::string_view endpoint, std::string_view attribute,
                      std::string_view nonce) {
  constexpr std::string_view json = "application/json";
  std::string path = "/v1/endpoints/";
  path.append(endpoint).append("/requests?timeout=600");
  return post(options, path, json, json, request_text(attribute, nonce));
}

SmallRequest::SmallRequest(Options const& options, std::string_view endpoint, NonceSource& nonces)
    : text_(call_text(options, endpoint, echo, std::string(checked(options.size), 'n'))),
      nonce_at_(text_.find(request_head(echo)) + request_head(echo).size()),
      nonce_size_(options.size),
      nonces_(nonces) {}

std::string_view SmallRequest::next() {
  nonces_.write_next({text_.data() + nonce_at_, nonce_size_});
  return text_;
}

void SmallRequest::check(std::string_view body) const {
  constexpr std::string_view begin = R"({"cmd":"rpc",)", data = R"("data":")", end = "\"}";
  auto const tail = data.size() + nonce_size_ + end.size();
  bool const right = body.size() > begin.size() + tail && body.starts_with(begin) && body.ends_with(end) &&
                     body.substr(body.size() - tail).starts_with(data) &&
                     body.substr(body.size() - nonce_size_ - end.size(), nonce_size_) == nonce();
  if (!right)
    throw std::runtime_error("the nonce " + std::string(nonce()) + " was answered " + std::string(body));
}

}  // namespace reachback::bench
