#include "reachback/proto/part_cutter.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>

#include <fmt/format.h>
#include <zlib.h>

#include "reachback/proto/base64.hpp"
#include "reachback/proto/json_scanner.hpp"

namespace reachback::proto {

namespace {

constexpr std::size_t longest_echoed_value = 1024;
/// Of all that is echoed: every part of the answer carries it, and gateways bound a message's size.
constexpr std::size_t longest_echo = 16 * 1024;

// The payload's carriers, the keys that an answer gives a meaning of its own, and what the gateway has added.
constexpr std::array<std::string_view, 15> not_echoed = {
    "data",     "args",      "kwargs", "status",   "error",    "hash",       "dataSize",
    "numParts", "multipart", "partId", "fileHash", "fileSize", "compressed", "dataSerialization",
    "timeoutMs"};

bool is_echoed(JsonMember const& member) {
  if (std::max(member.key.size(), member.value.raw.size()) > longest_echoed_value) return false;
  std::string const key = key_identity(member.key);
  return !key.starts_with("encoded") && std::ranges::find(not_echoed, key) == not_echoed.end();
}

std::optional<CallId> call_id_of(JsonValue const& value) {
  auto const number = value.integer();
  if (!number || *number < 0 || *number > static_cast<std::int64_t>(max_call_id)) return std::nullopt;
  return CallId(static_cast<std::uint64_t>(*number));
}

std::string_view name_of(DataSerialization serialization) {
  return serialization == DataSerialization::json ? "json" : "bytes";
}

// The fastest level: the payload's way is seldom slower than a better one would be.
std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  int const code = compress2(reinterpret_cast<Bytef*>(out.data()), &size,
                             reinterpret_cast<Bytef const*>(bytes.data()), bytes.size(), Z_BEST_SPEED);
  if (code != Z_OK) throw std::runtime_error("zlib cannot compress");
  out.resize(size);
  return out;
}

void append_data(std::string& out, std::string_view bytes) {
  constexpr std::size_t end_size = 2;
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4 + 1 + end_size);
  Base64Encoder encoder;
  encoder.update(bytes, out);
  encoder.finish(out);
}

}  // namespace

boost::system::result<RequestEcho, std::string> echo_of_request(std::string_view request) {
  RequestEcho echo;
  JsonValue call_id;
  bool has_cmd = false;
  ObjectScanner scanner(request);
  while (auto const member = scanner.next()) {
    bool const is_cmd = key_equals(member->key, "cmd");
    if (key_equals(member->key, "callId")) call_id = member->value;
    if (!is_echoed(*member) || (is_cmd && member->value.kind != JsonKind::string)) continue;
    bool const needed = is_cmd || key_equals(member->key, "callId");
    if (!needed && echo.members.size() > longest_echo) continue;
    has_cmd = has_cmd || is_cmd;
    fmt::format_to(std::back_inserter(echo.members), "{}\"{}\":{}", echo.members.empty() ? "" : ",",
                   member->key, member->value.raw);
  }
  if (scanner.error() != JsonError::none) return std::string("the request is no JSON object");
  auto const id = call_id_of(call_id);
  if (!id) return std::string("the request has no integer callId");
  echo.call_id = *id;
  // Without a cmd no gateway would take the answer, not even one that reports the lack of it.
  if (!has_cmd) echo.members += ",\"cmd\":\"unknown\"";
  return echo;
}

std::uint32_t number_of_parts(std::uint64_t file_size) {
  std::uint64_t const parts = file_size / part_size + (file_size % part_size != 0 ? 1 : 0);
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(parts, 1, std::numeric_limits<std::uint32_t>::max()));
}

std::string cut_part(RequestEcho const& echo, PayloadHead const& head, std::uint32_t part_id,
                     std::string_view bytes) {
  std::uint32_t const count = number_of_parts(head.file_size);
  std::string part = fmt::format(
      R"({{{},"status":200,"numParts":{},"partId":{},"dataSerialization":"{}","fileSize":{},"fileHash":"{}",)"
      R"("dataSize":{},"hash":"{}",)",
      echo.members, count, part_id, name_of(head.serialization), head.file_size, head.file_hash, bytes.size(),
      md5_hex(bytes));
  if (count > 1) part += "\"multipart\":true,";
  if (head.file_size > compress_above) {
    part += "\"compressed\":true,\"data\":\"";
    append_data(part, deflated(bytes));
  } else {
    part += "\"data\":\"";
    append_data(part, bytes);
  }
  part += "\"}";
  return part;
}

std::string error_answer(RequestEcho const& echo, std::string_view error, int status) {
  return fmt::format(R"({{{},"status":{},"error":"{}"}})", echo.members, status, escape(error));
}

}  // namespace reachback::proto
