#include "reachback/token.hpp"

#include <utility>

#include "gateway/secrets.hpp"

namespace reachback {

// The prefix lets scanners of leaked secrets know ours.
std::string new_token() { return "rb_" + gateway::to_hex(gateway::random_bytes(32)); }

std::string hash_of_token(std::string_view token) { return gateway::to_hex(gateway::sha256(token)); }

TokenConfig known_token(std::string name, std::string_view token, std::vector<std::string> scopes) {
  return {std::move(name), hash_of_token(token), std::move(scopes)};
}

}  // namespace reachback
