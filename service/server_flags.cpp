#include "server_flags.hpp"

#include <fmt/format.h>

#include "flags.hpp"

namespace reachback::service {

void add_server_flags(CLI::App& app, ServerFlags& flags, std::string const& standard) {
  add_flag(app, "--server", "URL", flags.server, read_server_url,
           fmt::format("The gateway: HOST:PORT, http://HOST[:PORT] or https://HOST[:PORT] [{}]", standard));
  app.add_option("--ca-file", flags.ca_file,
                 "PEM file of the certificates that are trusted with https [those of the system]")
      ->type_name("FILE");
  auto* const certificate = app.add_option("--certificate", flags.certificate,
                                           "PEM file of a client certificate, with its chain, for https");
  auto* const key = app.add_option("--key", flags.key, "PEM file of its key, without a password");
  certificate->type_name("FILE")->needs(key);
  key->type_name("FILE")->needs(certificate);
}

ClientFiles files_for(ServerUrl const& server, ServerFlags const& flags, Environment const& environment) {
  // Whoever names files believes that they are used.
  if (!server.tls && !flags.ca_file.empty()) throw nonsense("--ca-file", "needs a --server with https://");
  if (!server.tls && !flags.certificate.empty())
    throw nonsense("--certificate", "needs a --server with https://");
  if (!server.tls) return {};
  auto const said = [&](std::string const& flag, char const* variable) {
    return flag.empty() ? environment(variable).value_or("") : flag;
  };
  ClientFiles files{said(flags.ca_file, "REACHBACK_CA_FILE"), {}, {}};
  bool const by_flag = !flags.certificate.empty();
  files.certificate = said(flags.certificate, "REACHBACK_CERTIFICATE");
  files.key = by_flag ? flags.key : environment("REACHBACK_KEY").value_or("");
  if (files.certificate.empty() != files.key.empty())
    throw nonsense("REACHBACK_CERTIFICATE", "and REACHBACK_KEY belong together");
  return files;
}

}  // namespace reachback::service
