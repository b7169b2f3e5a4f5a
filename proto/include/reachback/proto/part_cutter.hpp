#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "reachback/proto/ids.hpp"
#include "reachback/proto/md5.hpp"

namespace reachback::proto {

/// Payload bytes per part before encoding, as all services of the protocol cut them.
inline constexpr std::size_t part_size = 10 * 1024 * 1024;
/// A payload over this is compressed by its sender.
inline constexpr std::size_t compress_above = 1024 * 1024;

/// What a service repeats of a request: its top-level keys except `data`, `args`, `kwargs`, `encoded*` and
/// values longer than 1 KiB, as a list of members without braces (`"cmd":"rpc","callId":7`), byte for byte.
struct RequestEcho {
  CallId call_id{};
  std::string members;
};

/// Nothing when the text is no request (no object, or no `callId` that is an integer).
[[nodiscard]] boost::system::result<RequestEcho, std::string> echo_of_request(std::string_view request);

/// How the payload's bytes encode the value.
enum class DataSerialization : std::uint8_t { json, bytes };

/// What all parts of one answer have in common; hash and size are those of the whole payload.
struct PayloadHead {
  DataSerialization serialization = DataSerialization::bytes;
  std::uint64_t file_size = 0;
  std::string file_hash;  ///< MD5 in hex
};

[[nodiscard]] std::uint32_t number_of_parts(std::uint64_t file_size);

/// The message of part `part_id` (from 1). `bytes` is the part's slice of the payload. An empty payload is
/// one part with `data` "". Compressed when the whole payload is over `compress_above`.
[[nodiscard]] std::string cut_part(RequestEcho const& echo, PayloadHead const& head, std::uint32_t part_id,
                                   std::string_view bytes);

/// The answer that reports a failure: status 400 and `error`, no `data`.
[[nodiscard]] std::string error_answer(RequestEcho const& echo, std::string_view error, int status = 400);

}  // namespace reachback::proto
