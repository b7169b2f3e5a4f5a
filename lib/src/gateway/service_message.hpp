#pragma once

#include <boost/system/result.hpp>
#include <string_view>

#include "core/outbox.hpp"
#include "gateway/call_metrics.hpp"
#include "reachback/proto/answer.hpp"
#include "reachback/proto/utf8.hpp"

namespace reachback::gateway {

/// Reads one message of a service, at once or as it comes, so that no turn of the shard has to read all of a
/// big one.
class ServiceMessageReader {
 public:
  /// The message as far as it has come: what was there before, which may have moved meanwhile, and more.
  void grow(core::MessageKind kind, std::string_view message) {
    if (kind == core::MessageKind::binary) utf8_.grow(message);
    answer_.grow(message);
  }

  /// The whole message, which outlives the result; or why it is no answer to anything.
  [[nodiscard]] boost::system::result<proto::Answer, DropReason> complete(core::MessageKind kind,
                                                                          std::string_view message);

 private:
  proto::Utf8Checker utf8_;  ///< a text frame's has been checked by the codec
  proto::AnswerReader answer_;
};

}  // namespace reachback::gateway
