// SPDX-License-Identifier: MIT
// The table of keys.
#include "server/configuration.h"

namespace videocall::server {
namespace {

using C = Configuration;

std::vector<Section> make_sections() {
  return {
      {"Addresses",
       {
           {"listen-http", &C::listen_http, "127.0.0.1:8080,[::1]:8080",
            "Where the page and the HTTP API are served: numeric ADDR:PORT, "
            "IPv6 in brackets; 0.0.0.0 and [::] are all addresses, port 0 is "
            "any free port. An address that others can reach needs "
            "tls-certificate and tls-key, or behind-proxy: browsers give "
            "camera and microphone to secure pages only.",
            "ADDR:PORT,..."},
           {"listen-webtransport", &C::listen_webtransport,
            "127.0.0.1:4433,[::1]:4433",
            "Where media travels (UDP): numeric ADDR:PORT. All must have the "
            "same port.",
            "ADDR:PORT,..."},
           {"listen-admin", &C::listen_admin, "127.0.0.1:9464,[::1]:9464",
            "Where /metrics and the admin API are served: numeric ADDR:PORT. "
            "Empty: nowhere. An address that others can reach needs "
            "tls-certificate or insecure-http, and wants the admin token, "
            "which is in admin.key of state-dir, for /metrics too.",
            "ADDR:PORT,..."},
           {"public-url", &C::public_url, "",
            "The address under which people open the page, such as "
            "https://meet.example.org. Empty: the address of each connection.",
            "URL"},
           {"public-webtransport-url", &C::public_webtransport_url, "",
            "Where clients find WebTransport, such as "
            "https://meet.example.org:4433. Empty: the host of public-url or "
            "the address of each connection, with the port of "
            "listen-webtransport.",
            "URL"},
           {"allowed-origin", &C::allowed_origins, "",
            "Further origins whose pages may join, such as "
            "https://www.example.org. The page of this server always may.",
            "ORIGIN,..."},
           {"behind-proxy", &C::behind_proxy, "false",
            "A reverse proxy in front of listen-http does TLS. The last "
            "address of X-Forwarded-For then is the client's, and cookies are "
            "for HTTPS only. Needs public-url. Let nobody but the proxy reach "
            "listen-http."},
           {"insecure-http", &C::insecure_http, "false",
            "Serve plain HTTP to other machines all the same. For native "
            "clients on a closed network: browsers will refuse camera, "
            "microphone and WebTransport."},
       }},
      {"Admission",
       {
           {"guests", &C::guests, "true",
            "Let in who does not prove who they are. Off: a join without "
            "proof is refused 403. Until there are accounts the only proof is "
            "the cookie of a meeting's creator, so nobody else gets in and no "
            "meeting is created; a user_id that is merely claimed proves "
            "nothing."},
       }},
      {"Certificates",
       {
           {"tls-certificate", &C::tls_certificate, "",
            "Certificate chain for HTTPS on listen-http, a PEM file. Empty: "
            "plain HTTP.",
            "FILE"},
           {"tls-key", &C::tls_key, "",
            "Private key of tls-certificate, a PEM file.", "FILE"},
           {"webtransport-certificate", &C::webtransport_certificate, "",
            "Certificate chain for WebTransport from an authority that "
            "browsers trust, a PEM file. Empty: a certificate of its own, "
            "renewed by itself, whose hash each join hands out.",
            "FILE"},
           {"webtransport-key", &C::webtransport_key, "",
            "Private key of webtransport-certificate, a PEM file.", "FILE"},
       }},
      {"State",
       {
           {"state-dir", &C::state_dir, "",
            "Where meetings and keys are kept. Empty: $STATE_DIRECTORY, else "
            "$XDG_STATE_HOME/videocall, else ~/.local/state/videocall.",
            "DIR"},
           {"node-id", &C::node_id, "",
            "Name of this server among its peers: 1 to 64 of A-Z a-z 0-9 _ -. "
            "Empty: made from the host's name.",
            "NAME"},
       }},
      {"Other servers",
       {
           {"nats-url", &C::nats_urls, "",
            "NATS servers that join this server with others, such as "
            "nats://nats1:4222; tls:// where they have certificates. People "
            "in one meeting then see each other whichever server they are "
            "on. Each server needs a node-id of its own. Empty: alone.",
            "URL,..."},
           {"nats-credentials", &C::nats_credentials, "",
            "User credentials for NATS: a file as nsc writes it.", "FILE"},
           {"nats-ca", &C::nats_ca, "",
            "The authorities that NATS servers' certificates are from, a PEM "
            "file. Empty: those that the system trusts.",
            "FILE"},
           {"token-key-file", &C::token_key_file, "",
            "The key that tokens are signed with, made if it is not there. "
            "Servers that have the same one send people to the one that has "
            "most room. Empty: token.key in state-dir.",
            "FILE"},
           {"resume-key-file", &C::resume_key_file, "",
            "The key of the secrets with which sessions are taken up again, "
            "made if it is not there. The same on all servers, so that any of "
            "them can take up a session. Empty: resume.key in state-dir.",
            "FILE"},
       }},
      {"Media",
       {
           {"relay-description", &C::relay_description, "",
            "The pipeline description that carries the media: a TOML file, "
            "or the name of one. Empty: relay, which comes with the server.",
            "FILE"},
           {.name = "shards",
            .member = &C::shards,
            .fallback = "0",
            .help = "Threads that serve WebTransport. 0: one per CPU core.",
            .value = "NUMBER",
            .minimum = 0,
            .maximum = 256},
           {.name = "congestion-control",
            .member = &C::congestion_control,
            .fallback = "cubic",
            .help = "What decides how fast WebTransport sends to a client: "
                    "cubic takes every loss for congestion, bbr measures "
                    "bandwidth and round trip and stands losses.",
            .value = "NAME",
            .choices = {"cubic", "bbr"}},
       }},
      {"Limits",
       {
           {.name = "join-rate",
            .member = &C::join_rate,
            .fallback = "10",
            .help = "Joins per second from one address (IPv6: from one /64); "
                    "more are answered 429. 0: no limit.",
            .value = "NUMBER",
            .minimum = 0,
            .maximum = 1'000'000},
           {.name = "join-burst",
            .member = &C::join_burst,
            .fallback = "50",
            .help = "Joins from one address that may come at once before "
                    "join-rate holds.",
            .value = "NUMBER",
            .minimum = 1,
            .maximum = 1'000'000},
           {.name = "max-sessions",
            .member = &C::max_sessions,
            .fallback = "20000",
            .help = "Sessions of this server at a time, over WebTransport "
                    "and WebSocket together; more are refused with 503.",
            .value = "SESSIONS",
            .minimum = 1,
            .maximum = 20000},
           {.name = "max-sessions-per-address",
            .member = &C::max_sessions_per_address,
            .fallback = "0",
            .help = "Sessions of one address (IPv6: of one /64) at a "
                    "time, over both transports together; more are refused "
                    "with 429. 0: no limit.",
            .value = "SESSIONS",
            .minimum = 0,
            .maximum = 20000},
           {.name = "max-handshakes",
            .member = &C::max_handshakes,
            .fallback = "2000",
            .help = "New connections per second; those beyond are not "
                    "answered, and clients try again by themselves. 0: no "
                    "limit.",
            .value = "NUMBER",
            .minimum = 0,
            .maximum = 2147483647},
           {.name = "max-members",
            .member = &C::max_members,
            .fallback = "5000",
            .help = "Sessions in one meeting; more are closed with "
                    "overload.",
            .value = "SESSIONS",
            .minimum = 1,
            .maximum = 5000},
           {.name = "max-packets-in",
            .member = &C::max_packets_in,
            .fallback = "5000",
            .help = "Packets per second of one session. More are dropped, "
                    "and a session that is beyond for 10 seconds is "
                    "closed with overload. 0: no limit.",
            .value = "PACKETS",
            .minimum = 0,
            .maximum = 2147483647},
           {.name = "max-bytes-in",
            .member = &C::max_bytes_in,
            .fallback = "8000000",
            .help = "Bytes per second of one session, with the same "
                    "consequences. 0: no limit.",
            .value = "BYTES",
            .minimum = 0,
            .maximum = 2147483647},
           {.name = "max-bytes-out",
            .member = &C::max_bytes_out,
            .fallback = "0",
            .help = "Bytes per second forwarded to all sessions together. "
                    "Beyond, all get less video, a step per second, and "
                    "never less sound, and newcomers are refused with 503. "
                    "0: no limit.",
            .value = "BYTES",
            .minimum = 0,
            .maximum = 4294967295},
           {.name = "max-cpu",
            .member = &C::max_cpu,
            .fallback = "90",
            .help = "Percent of the CPU cores that the server may use; "
                    "beyond, over some seconds, newcomers are refused with "
                    "503, and calls go on. 0: no limit.",
            .value = "PERCENT",
            .minimum = 0,
            .maximum = 100},
           {.name = "max-speakers",
            .member = &C::max_speakers,
            .fallback = "8",
            .help = "How many people of a meeting are heard at a time, "
                    "the loudest.",
            .value = "NUMBER",
            .minimum = 1,
            .maximum = 64},
           {.name = "max-cameras",
            .member = &C::max_cameras,
            .fallback = "9",
            .help = "How many cameras a viewer is shown that does not say "
                    "what is on its screen.",
            .value = "NUMBER",
            .minimum = 0,
            .maximum = 64},
           {.name = "http-connections",
            .member = &C::http_connections,
            .fallback = "1000",
            .help = "HTTP connections that may be open at once. One more "
                    "takes the place of the one that has waited longest for "
                    "a request. WebSockets count in max-sessions, not here.",
            .value = "NUMBER",
            .minimum = 8,
            .maximum = 100'000},
           {.name = "worker-threads",
            .member = &C::worker_threads,
            .fallback = "2",
            .help = "Threads that talk to the database.",
            .value = "NUMBER",
            .minimum = 1,
            .maximum = 64},
       }},
      {"Shutdown",
       {
           {.name = "drain-timeout",
            .member = &C::drain_timeout_s,
            .fallback = "10",
            .help = "Seconds that calls may go on after SIGTERM or SIGINT, "
                    "while their clients move to another server.",
            .value = "SECONDS",
            .minimum = 0,
            .maximum = 86'400},
       }},
      {"Log",
       {
           {.name = "log-level",
            .member = &C::log_level,
            .fallback = "info",
            .help = "The least important line that is written.",
            .value = "LEVEL",
            .choices = {"error", "warning", "info", "debug", "trace"}},
           {.name = "log-format",
            .member = &C::log_format,
            .fallback = "text",
            .help = "text for people, json (one object a line) for machines.",
            .value = "FORMAT",
            .choices = {"text", "json"}},
       }},
  };
}

}  // namespace

std::span<const Section> configuration_sections() {
  static const std::vector<Section> sections = make_sections();
  return sections;
}

}  // namespace videocall::server
