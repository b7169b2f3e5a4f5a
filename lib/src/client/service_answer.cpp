#include <utility>

#include "reachback/proto/md5.hpp"
#include "reachback/remote_service.hpp"

namespace reachback {
namespace {

class BytesInMemory final : public PayloadSource {
 public:
  explicit BytesInMemory(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::string hash() override { return proto::md5_hex(bytes_); }
  std::string read(std::size_t max) override {
    auto piece = bytes_.substr(at_, max);
    at_ += piece.size();
    return piece;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

}  // namespace

ServiceAnswer answer_with(std::string bytes, ServiceAnswer::Encoding encoding) {
  ServiceAnswer answer;
  answer.encoding = encoding;
  answer.payload = std::make_unique<BytesInMemory>(std::move(bytes));
  return answer;
}

ServiceAnswer answer_with_error(std::string error, int status) {
  ServiceAnswer answer;
  answer.status = status;
  answer.error = std::move(error);
  return answer;
}

}  // namespace reachback
