#pragma once

#include <string>
#include <string_view>

#include "reachback/proto/ids.hpp"

namespace reachback::test {

using proto::CallId;

inline constexpr std::string_view request_text = R"({"cmd":"rpc","class":"Example","attribute":"echo"})";

/// A request that takes about so many bytes.
inline std::string request_of_size(std::size_t size) {
  return R"({"cmd":"rpc","args":[")" + std::string(size, 'x') + R"("]})";
}

/// A whole answer. `data` is base64.
inline std::string answer_to(CallId id, std::string_view data = "aGk=") {
  return R"({"cmd":"rpc","status":200,"callId":)" + std::to_string(to_number(id)) + R"(,"data":")" +
         std::string(data) + "\"}";
}

struct PartNumbers {
  unsigned id = 1;
  unsigned count = 1;
};

/// One part of an answer.
inline std::string part_of(CallId id, PartNumbers part, std::string_view data = "aGk=") {
  return R"({"cmd":"rpc","status":200,"multipart":true,"callId":)" + std::to_string(to_number(id)) +
         R"(,"partId":)" + std::to_string(part.id) + R"(,"numParts":)" + std::to_string(part.count) +
         R"(,"data":")" + std::string(data) + "\"}";
}

/// The `callId` in a message.
inline CallId call_id_in(std::string_view message) {
  constexpr std::string_view key = R"("callId":)";
  auto const at = message.find(key);
  if (at == std::string_view::npos) return CallId{};
  return CallId{std::stoull(std::string(message.substr(at + key.size(), 17)))};
}

}  // namespace reachback::test
