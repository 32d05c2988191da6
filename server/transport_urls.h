// SPDX-License-Identifier: MIT
// Under which addresses clients find this server.
#pragma once

#include <string>
#include <vector>

#include "server/configuration.h"
#include "server/listen_address.h"
#include "server/origin.h"

namespace videocall::server {

class TransportUrls {
 public:
  // |configuration| is borrowed. |http|: what was bound.
  TransportUrls(const Configuration& configuration,
                std::vector<ListenAddress> http);

  // What was bound; before webtransport() is called.
  void set_webtransport_port(uint16_t port);

  // https://HOST:PORT/meet/ID for a client that reached HTTP on |local_ip|.
  // Never made from anything that the client said. On a loopback connection
  // it names 127.0.0.1 or [::1], whichever is served: "localhost" may lead
  // browsers to the other family.
  std::string webtransport(const std::string& local_ip,
                           const std::string& meeting) const;

  // ws(s)://HOST/meet/ID for a client that asked HTTP for |host| (its Host
  // header; nobody else is told) on |local_ip|.
  std::string websocket(std::string_view host, const std::string& local_ip,
                        const std::string& meeting) const;

  // Where clients of other servers are sent, without /meet/ID: WebTransport
  // (https:) and, |websocket|, WebSocket (ws: or wss:). Not where only the
  // connection tells under which address this server is reached; then it is
  // public-url that has to say.
  std::vector<std::string> announced(bool websocket) const;

  // Origins of the page that this server serves, and the further ones that
  // the configuration allows.
  OriginSet allowed_origins() const;

  // Whether |origin| is the origin under which a client that sent the header
  // "Host: |host|" sees this server. Only for servers that can be reached
  // under names they do not know; elsewhere a page that rebinds its name to
  // our address must not pass (DNS rebinding).
  bool is_same_origin(std::string_view origin, std::string_view host) const;

  // The link to open, for people: http://localhost:8080/.
  std::string page() const;

 private:
  std::string http_base(std::string_view host,
                        const std::string& local_ip) const;
  std::string webtransport_base(const std::string& local_ip) const;
  std::string scheme() const;

  const Configuration& configuration_;
  const std::vector<ListenAddress> http_;
  std::vector<ListenAddress> webtransport_;
};

}  // namespace videocall::server
