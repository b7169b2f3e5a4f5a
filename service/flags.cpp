#include "flags.hpp"

namespace reachback::service {

CLI::ValidationError nonsense(std::string const& flag, std::string const& complaint) {
  return CLI::ValidationError(flag + ' ' + complaint);
}

}  // namespace reachback::service
