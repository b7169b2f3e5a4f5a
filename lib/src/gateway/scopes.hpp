#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reachback::gateway {

/// What somebody wants to do on an endpoint: be a connection that answers, call, send messages, receive and
/// see them; and, everywhere, close connections.
enum class Action : std::uint8_t { serve, call, send, watch, admin };

/// The scope that allows it: "call:wsData", "admin".
[[nodiscard]] std::string scope_of(Action action, std::string_view endpoint);

/// What a credential is good for. Pure.
class Scopes {
 public:
  /// Why a text is no scope.
  struct Fault {
    std::string text;
  };

  /// What the scopes of a configured token allow, or what is wrong with one of them.
  [[nodiscard]] static boost::system::result<Scopes, Fault> read(std::vector<std::string> const& texts);
  /// The same of texts among which others may be: those say nothing to us.
  [[nodiscard]] static Scopes known_among(std::vector<std::string> const& texts);
  /// What a user who logged in has.
  [[nodiscard]] static Scopes const& all();

  [[nodiscard]] bool allow(Action action, std::string_view endpoint) const;

 private:
  struct Scope {
    Action action{};
    std::string endpoint;  ///< an asterisk: any
  };

  /// False when the text is no scope.
  [[nodiscard]] bool add(std::string_view text);

  std::vector<Scope> scopes_;
  bool all_ = false;
};

}  // namespace reachback::gateway
