#pragma once

#include <atomic>
#include <string_view>

#include "attach_directory.hpp"
#include "attach_request.hpp"
#include "reachback/remote_service.hpp"

namespace reachback::service {

/// What `attach` answers: `getFile`, `listFiles` (both of the class DataInterface) and `echo`; all else is an
/// error answer. Any thread.
class AttachAnswers {
 public:
  /// Both outlive it. When `ending` becomes true, the hashing of big files is given up.
  AttachAnswers(ServedDirectory const& directory, std::atomic<bool> const& ending)
      : directory_(directory), ending_(ending) {}

  [[nodiscard]] ServiceAnswer answer(std::string_view request) const;

 private:
  [[nodiscard]] ServiceAnswer get_file(RemoteCall const& call) const;
  [[nodiscard]] ServiceAnswer list_files(RemoteCall const& call) const;

  ServedDirectory const& directory_;
  std::atomic<bool> const& ending_;
};

}  // namespace reachback::service
