#include "attach_answers.hpp"

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "reachback/proto/json_text.hpp"

namespace reachback::service {
namespace {

constexpr int bad_request = 400;
constexpr int not_found = 404;

ServiceAnswer echo(RemoteCall call) {
  if (!call.argument) return answer_with_error("echo takes one argument", bad_request);
  if (call.argument->kind == Argument::Kind::bytes) {
    return answer_with(std::move(call.argument->value), ServiceAnswer::Encoding::bytes);
  }
  return answer_with(std::move(call.argument->json), ServiceAnswer::Encoding::json);
}

}  // namespace

ServiceAnswer AttachAnswers::answer(std::string_view request) const {
  auto call = read_remote_call(request);
  if (!call) return answer_with_error(call.error().text, bad_request);
  if (call->attribute == "echo") return echo(std::move(*call));
  if (call->class_name == "DataInterface") {
    if (call->attribute == "getFile") return get_file(*call);
    if (call->attribute == "listFiles") return list_files(*call);
  }
  return answer_with_error(
      fmt::format("this service has no attribute '{}' in the class '{}'", call->attribute, call->class_name),
      bad_request);
}

ServiceAnswer AttachAnswers::get_file(RemoteCall const& call) const {
  if (!call.argument || call.argument->kind != Argument::Kind::text) {
    return answer_with_error("getFile takes one argument, the file's name", bad_request);
  }
  auto const& name = call.argument->value;
  auto file = directory_.open(name);
  if (!file) return answer_with_error(fmt::format("getFile '{}': {}", name, file.error()), not_found);
  ServiceAnswer answer;
  try {
    answer.payload = std::make_unique<FilePayload>(std::move(*file), ending_);
  } catch (std::runtime_error const& error) {
    return answer_with_error(fmt::format("getFile '{}': {}", name, error.what()), not_found);
  }
  return answer;
}

ServiceAnswer AttachAnswers::list_files(RemoteCall const& call) const {
  if (call.argument && call.argument->kind != Argument::Kind::text) {
    return answer_with_error("listFiles takes one argument at most, a pattern", bad_request);
  }
  std::string names;
  for (auto const& name : directory_.list(call.argument ? call.argument->value : std::string())) {
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ",", proto::escape(name));
  }
  return answer_with(fmt::format("[{}]", names), ServiceAnswer::Encoding::json);
}

}  // namespace reachback::service
