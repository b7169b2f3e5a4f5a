#include "reachback/proto/payload_checker.hpp"

namespace reachback::proto {

bool PayloadChecker::expect(Answer const& answer) {
  return expect_hash(answer.file_hash) && expect_size(answer.file_size);
}

bool PayloadChecker::expect_hash(JsonValue const& value) {
  if (!value.present()) return true;
  if (value.kind != JsonKind::string) return false;
  std::string hash = unescape(value.string_body());
  if (announced_hash_) return same_hex(*announced_hash_, hash);
  announced_hash_ = std::move(hash);
  return true;
}

bool PayloadChecker::expect_size(JsonValue const& value) {
  if (!value.present()) return true;
  auto const number = value.integer();
  if (!number || *number < 0) return false;
  auto const size = static_cast<std::uint64_t>(*number);
  if (announced_size_) return *announced_size_ == size;
  announced_size_ = size;
  return true;
}

bool PayloadChecker::take_single(Answer const& answer, std::uint64_t size) {
  if (announced_hash_) {
    if (!answer.hash.present() || !same_hex(*announced_hash_, unescape(answer.hash.string_body())))
      return false;
    announced_hash_.reset();
  }
  size_ = size;
  return true;
}

bool PayloadChecker::update(std::string_view bytes) {
  size_ += bytes.size();
  if (!md5_) md5_.emplace();
  md5_->update(bytes);
  return !announced_size_ || size_ <= *announced_size_;
}

bool PayloadChecker::finish() {
  if (announced_size_ && size_ != *announced_size_) return false;
  if (!announced_hash_) return true;
  if (!md5_) md5_.emplace();
  return same_hex(*announced_hash_, md5_->finish());
}

}  // namespace reachback::proto
