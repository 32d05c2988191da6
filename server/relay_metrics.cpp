// SPDX-License-Identifier: MIT
#include "server/relay_metrics.h"

namespace videocall::server {
namespace {

constexpr std::string_view kTransportEnding = "-listener-stats";
constexpr std::string_view kNatsSource = "natssrc-stats";
constexpr std::string_view kNatsSink = "natssink-stats";
constexpr std::string_view kRouter = "videocallrouter-stats";

enum class Type { counter, gauge, histogram };

struct Row {
  const char* field;
  const char* metric;
  const char* labels;
  Type type;
  const char* help;
};

constexpr Type kCounter = Type::counter;
constexpr Type kGauge = Type::gauge;
constexpr Type kHistogram = Type::histogram;

constexpr const char* kSessionsClosed =
    "videocall_transport_sessions_closed_total";
constexpr const char* kSessionsClosedHelp =
    "Sessions that ended, by close code.";
constexpr const char* kConnectsRefused =
    "videocall_transport_connects_refused_total";
constexpr const char* kConnectsRefusedHelp =
    "Requests for a session that were refused, by reason.";
constexpr const char* kNetworkBytes = "videocall_transport_network_bytes_total";
constexpr const char* kNetworkBytesHelp =
    "Bytes on the network, without the headers of UDP or TCP and IP.";
constexpr const char* kPackets = "videocall_transport_packets_total";
constexpr const char* kPacketsHelp =
    "Packets of the protocol from (in) and to (out) the sessions.";
constexpr const char* kPacketBytes = "videocall_transport_packet_bytes_total";
constexpr const char* kPacketBytesHelp = "Bytes of those packets.";
constexpr const char* kDropped = "videocall_transport_packets_dropped_total";
constexpr const char* kDroppedHelp =
    "Packets that a session was to get or sent and that went no further, by "
    "reason.";

// Of a transport in listener mode. The order is that of the page.
constexpr Row kTransportRows[] = {
    {"sessions", "videocall_transport_sessions", "", kGauge,
     "Sessions that are open."},
    {"opened", "videocall_transport_sessions_opened_total", "", kCounter,
     "Sessions that were admitted."},
    {"closed-left", kSessionsClosed, "reason=\"left\"", kCounter,
     kSessionsClosedHelp},
    {"closed-meeting-ended", kSessionsClosed, "reason=\"meeting-ended\"",
     kCounter, kSessionsClosedHelp},
    {"closed-removed", kSessionsClosed, "reason=\"removed\"", kCounter,
     kSessionsClosedHelp},
    {"closed-protocol-error", kSessionsClosed, "reason=\"protocol-error\"",
     kCounter, kSessionsClosedHelp},
    {"closed-overload", kSessionsClosed, "reason=\"overload\"", kCounter,
     kSessionsClosedHelp},
    {"closed-draining", kSessionsClosed, "reason=\"draining\"", kCounter,
     kSessionsClosedHelp},
    {"closed-superseded", kSessionsClosed, "reason=\"superseded\"", kCounter,
     kSessionsClosedHelp},
    {"closed-idle", kSessionsClosed, "reason=\"idle\"", kCounter,
     kSessionsClosedHelp},
    {"connect-refused-draining", kConnectsRefused, "reason=\"draining\"",
     kCounter, kConnectsRefusedHelp},
    {"connect-refused-full", kConnectsRefused, "reason=\"full\"", kCounter,
     kConnectsRefusedHelp},
    {"connect-refused-address", kConnectsRefused, "reason=\"address\"",
     kCounter, kConnectsRefusedHelp},
    {"connect-refused-request", kConnectsRefused, "reason=\"request\"",
     kCounter, kConnectsRefusedHelp},
    {"connect-refused-timeout", kConnectsRefused, "reason=\"timeout\"",
     kCounter, kConnectsRefusedHelp},
    {"connect-refused-program", kConnectsRefused, "reason=\"admission\"",
     kCounter, kConnectsRefusedHelp},
    {"handshakes", "videocall_transport_handshakes_pending", "", kGauge,
     "Handshakes that have begun and not ended."},
    {"refused", "videocall_transport_handshakes_refused_total", "", kCounter,
     "New connections that were not answered: too many at once."},
    {"retries", "videocall_transport_retries_total", "", kCounter,
     "New connections that were asked to prove their address first."},
    {"stateless-resets", "videocall_transport_stateless_resets_total", "",
     kCounter, "Packets of unknown connections that were answered so."},
    {"admissions", "videocall_transport_admissions_pending", "", kGauge,
     "Requests for a session that wait to be decided."},
    {"udp-bytes-in", kNetworkBytes, "direction=\"in\"", kCounter,
     kNetworkBytesHelp},
    {"udp-bytes-out", kNetworkBytes, "direction=\"out\"", kCounter,
     kNetworkBytesHelp},
    {"udp-packets-in", "videocall_transport_datagrams_received_total", "",
     kCounter, "UDP datagrams that came."},
    {"forwarded", "videocall_transport_datagrams_forwarded_total", "", kCounter,
     "Datagrams that came to the socket of another shard than theirs."},
    {"dropped-commands", "videocall_transport_handovers_dropped_total", "",
     kCounter, "Hand-overs between shards that found a full inbox."},
    {"packets-in", kPackets, "direction=\"in\"", kCounter, kPacketsHelp},
    {"packets-out", kPackets, "direction=\"out\"", kCounter, kPacketsHelp},
    {"packet-bytes-in", kPacketBytes, "direction=\"in\"", kCounter,
     kPacketBytesHelp},
    {"packet-bytes-out", kPacketBytes, "direction=\"out\"", kCounter,
     kPacketBytesHelp},
    {"packets-refused", kDropped, "reason=\"refused\"", kCounter, kDroppedHelp},
    {"dropped-audio", kDropped, "reason=\"audio-late\"", kCounter,
     kDroppedHelp},
    {"dropped-video", kDropped, "reason=\"video-late\"", kCounter,
     kDroppedHelp},
    {"groups-cut", "videocall_transport_groups_cut_total", "", kCounter,
     "Groups of pictures that a viewer got the beginning of only."},
    {"queued-bytes", "videocall_transport_queued_bytes", "", kGauge,
     "Bytes that wait to be sent, all sessions together."},
    {"handshake", "videocall_transport_handshake_duration_seconds", "",
     kHistogram, "From a client's first packet to the end of its handshake."},
    {"admission", "videocall_transport_admission_duration_seconds", "",
     kHistogram, "From the request for a session until it was admitted."},
    {"relay-delay", "videocall_transport_relay_delay_seconds", "", kHistogram,
     "From reading what arrived to having sent what it caused; under load also "
     "the rest before it."},
    {"handover-delay", "videocall_transport_handover_delay_seconds", "",
     kHistogram, "Until another shard takes what was handed over to it."},
    {"queue-delay", "videocall_transport_queue_delay_seconds", "", kHistogram,
     "Age of the oldest packet that waits for a session, looked at about five "
     "times a second."},
    {"rtt", "videocall_transport_rtt_seconds", "", kHistogram,
     "Smoothed round-trip time of the sessions, looked at as often."},
};

constexpr const char* kRoomDropped = "videocall_room_packets_dropped_total";
constexpr const char* kRoomDroppedHelp =
    "Packets that the rooms did not take, by reason.";

constexpr Row kRouterRows[] = {
    {"rooms", "videocall_rooms", "", kGauge, "Meetings with somebody in."},
    {"sessions", "videocall_sessions", "", kGauge,
     "Sessions of all transports, also those that have said nothing yet."},
    {"members", "videocall_members", "", kGauge,
     "People in meetings, also those who may resume."},
    {"limited-viewers", "videocall_limited_viewers", "", kGauge,
     "Sessions whose link bounds what they get."},
    {"joined", "videocall_members_joined_total", "", kCounter,
     "Sessions that entered a meeting."},
    {"disconnected", "videocall_members_disconnected_total", "", kCounter,
     "Sessions that broke off and could resume."},
    {"resumed", "videocall_members_resumed_total", "", kCounter,
     "Sessions that resumed."},
    {"left", "videocall_members_left_total", "", kCounter,
     "Members who left, also the lost."},
    {"lost", "videocall_members_lost_total", "", kCounter,
     "Members who did not resume in time."},
    {"client-reports", "videocall_client_reports_total", "", kCounter,
     "Reports of clients on how they fare (HEALTH)."},
    {"client-peers", "videocall_client_peers_total", "", kCounter,
     "People of whom those reports say something, once for each report."},
    {"client-unseen", "videocall_client_peers_unseen_total", "", kCounter,
     "Of them, whose video is on and not seen."},
    {"client-unheard", "videocall_client_peers_unheard_total", "", kCounter,
     "Of them, whose audio is on and not heard."},
    {"client-rtt", "videocall_client_rtt_seconds", "", kHistogram,
     "Round trips that clients measured, once for each report."},
    {"packets-forwarded", "videocall_room_forwarded_packets_total", "",
     kCounter, "Packets times those who were to get them."},
    {"bytes-forwarded", "videocall_room_forwarded_bytes_total", "", kCounter,
     "Bytes of packets times those who were to get them."},
    {"packets-refused", kRoomDropped, "reason=\"refused\"", kCounter,
     kRoomDroppedHelp},
    {"packets-dropped", kRoomDropped, "reason=\"late\"", kCounter,
     kRoomDroppedHelp},
    {"packets-over-rate", kRoomDropped, "reason=\"over-rate\"", kCounter,
     kRoomDroppedHelp},
    {"shed-level", "videocall_shed_level", "", kGauge,
     "How much video is left out for everybody, 0 (nothing) to 5 (all), to "
     "keep max-bytes-out."},
    {"nodes", "videocall_nodes", "", kGauge, "Other nodes that are heard of."},
    {"remote-members", "videocall_remote_members", "", kGauge,
     "People on other nodes who are in meetings with people here."},
    {"nats-connected", "videocall_nats_connected", "", kGauge,
     "Whether the NATS server is reached (1) or not (0); 0 without one."},
};

constexpr const char* kNatsMessages = "videocall_nats_messages_total";
constexpr const char* kNatsMessagesHelp =
    "Packets from (in) and to (out) other nodes.";
constexpr const char* kNatsBytes = "videocall_nats_bytes_total";
constexpr const char* kNatsBytesHelp = "Bytes of those packets.";
constexpr const char* kNatsDropped = "videocall_nats_packets_dropped_total";
constexpr const char* kNatsDroppedHelp =
    "Packets that did not cross between nodes, by reason.";

constexpr const char* kNatsQueued = "videocall_nats_queued_bytes";
constexpr const char* kNatsQueuedHelp =
    "Bytes that wait to be routed (in) or sent (out).";

// Of a node that is joined to others: of the connection, then of each way.
constexpr Row kNatsRows[] = {
    {"connects", "videocall_nats_connects_total", "", kCounter,
     "Times that a NATS server was reached."},
    {"subscriptions", "videocall_nats_subscriptions", "", kGauge,
     "Subjects that are subscribed to."},
    {"messages-in", kNatsMessages, "direction=\"in\"", kCounter,
     kNatsMessagesHelp},
    {"messages-out", kNatsMessages, "direction=\"out\"", kCounter,
     kNatsMessagesHelp},
    {"bytes-in", kNatsBytes, "direction=\"in\"", kCounter, kNatsBytesHelp},
    {"bytes-out", kNatsBytes, "direction=\"out\"", kCounter, kNatsBytesHelp},
};

constexpr Row kNatsInRows[] = {
    {"queued-bytes", kNatsQueued, "direction=\"in\"", kGauge, kNatsQueuedHelp},
    {"invalid", kNatsDropped, "direction=\"in\",reason=\"invalid\"", kCounter,
     kNatsDroppedHelp},
    {"dropped-full", kNatsDropped, "direction=\"in\",reason=\"full\"", kCounter,
     kNatsDroppedHelp},
    {"dropped-late", kNatsDropped, "direction=\"in\",reason=\"late\"", kCounter,
     kNatsDroppedHelp},
    {"dropped-cut", kNatsDropped, "direction=\"in\",reason=\"cut\"", kCounter,
     kNatsDroppedHelp},
};

constexpr Row kNatsOutRows[] = {
    {"queued-bytes", kNatsQueued, "direction=\"out\"", kGauge, kNatsQueuedHelp},
    {"failed", kNatsDropped, "direction=\"out\",reason=\"failed\"", kCounter,
     kNatsDroppedHelp},
    {"dropped-full", kNatsDropped, "direction=\"out\",reason=\"full\"",
     kCounter, kNatsDroppedHelp},
    {"dropped-late", kNatsDropped, "direction=\"out\",reason=\"late\"",
     kCounter, kNatsDroppedHelp},
    {"dropped-cut", kNatsDropped, "direction=\"out\",reason=\"cut\"", kCounter,
     kNatsDroppedHelp},
    {"dropped-unlinked", kNatsDropped, "direction=\"out\",reason=\"unlinked\"",
     kCounter, kNatsDroppedHelp},
};

void add_row(MetricsText& out, const Statistics& part, const Row& row,
             const std::string& label) {
  std::string labels = label;
  if (*row.labels != '\0') labels += (labels.empty() ? "" : ",");
  labels += row.labels;
  if (row.type == kHistogram) {
    const auto found = part.histograms.find(row.field);
    if (found != part.histograms.end())
      out.histogram(row.metric, row.help, labels, found->second);
    return;
  }
  const auto found = part.numbers.find(row.field);
  if (found == part.numbers.end()) return;
  if (row.type == kGauge)
    out.gauge(row.metric, row.help, labels, found->second);
  else
    out.counter(row.metric, row.help, labels, found->second);
}

}  // namespace

void add_relay_metrics(MetricsText& out, const Statistics& part) {
  const std::string_view name = part.part;
  if (name.ends_with(kTransportEnding)) {
    const std::string transport = label(
        "transport", name.substr(0, name.size() - kTransportEnding.size()));
    for (const Row& row : kTransportRows) add_row(out, part, row, transport);
  } else if (name == kRouter) {
    for (const Row& row : kRouterRows) add_row(out, part, row, "");
  } else if (name == kNatsSource) {
    for (const Row& row : kNatsRows) add_row(out, part, row, "");
    for (const Row& row : kNatsInRows) add_row(out, part, row, "");
  } else if (name == kNatsSink) {
    for (const Row& row : kNatsOutRows) add_row(out, part, row, "");
  }
}

}  // namespace videocall::server
