#include "gateway/service_message.hpp"

namespace reachback::gateway {
namespace {

DropReason drop_reason_of(proto::AnswerFault fault) {
  switch (fault) {
    case proto::AnswerFault::not_an_object:
      return DropReason::not_an_object;
    case proto::AnswerFault::bad_json:
      return DropReason::bad_json;
    case proto::AnswerFault::too_deep:
      return DropReason::too_deep;
    case proto::AnswerFault::bad_cmd:
      return DropReason::bad_cmd;
    case proto::AnswerFault::bad_status:
      return DropReason::bad_status;
    case proto::AnswerFault::bad_call_id:
      break;
  }
  return DropReason::bad_call_id;
}

}  // namespace

boost::system::result<proto::Answer, DropReason> ServiceMessageReader::complete(core::MessageKind kind,
                                                                                std::string_view message) {
  boost::system::result<proto::Answer, DropReason> result;
  if (kind == core::MessageKind::binary && !utf8_.complete(message)) {
    result = DropReason::not_utf8;
  } else if (auto const answer = answer_.complete(message)) {
    result = *answer;
  } else {
    result = drop_reason_of(answer.error());
  }
  return result;
}

}  // namespace reachback::gateway
