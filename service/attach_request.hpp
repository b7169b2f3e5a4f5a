#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace reachback::service {

/// One positional argument of a call.
struct Argument {
  enum class Kind : std::uint8_t { json, text, bytes } kind = Kind::json;
  std::string value;  ///< JSON as it stands; or a text without its escapes; or bytes out of their base64
  std::string json;   ///< as it stands in the message; for bytes only the tag
};

/// What a caller asks of this service: `{"cmd":"rpc","class":C,"attribute":A,"args":[...]}`.
struct RemoteCall {
  std::string class_name;
  std::string attribute;
  std::optional<Argument> argument;
};

/// Why a request is not for this service, as a text for the caller.
struct CallFault {
  std::string text;
};

/// Reads a request whose syntax has been checked. A fault: another `cmd`, no
/// attribute, more than one argument, base64 that is none.
[[nodiscard]] boost::system::result<RemoteCall, CallFault> read_remote_call(std::string_view request);

}  // namespace reachback::service
