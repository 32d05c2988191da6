// SPDX-License-Identifier: MIT
// The I/O side of QUIC: shards with their UDP sockets, connections and timers.
// A shard's loop runs in whatever thread calls run_once() (a streaming thread
// of webtransportsrc, or a thread of the endpoint's own in caller mode); all
// QUIC state of a shard belongs to that thread. Everything that another thread
// wants goes through a bounded inbox and one eventfd write.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/counter.h"
#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/base/time.h"
#include "libvideocall/quic/channel.h"
#include "libvideocall/quic/congestion_control.h"
#include "libvideocall/wire/delivery.h"

namespace videocall::quic {

class SessionQuota;

struct EndpointConfig {
  enum class Mode { listener, caller };
  Mode mode = Mode::listener;
  CongestionControl congestion_control = kDefaultCongestionControl;
  uint16_t number = 0;  // SessionHandle::endpoint; 0: open() gives the next
  unsigned shards = 1;

  // Listener: numeric "ADDR:PORT", IPv6 in brackets. Port 0: the kernel
  // chooses, the same for all addresses and shards.
  std::vector<std::string> addresses;
  std::string certificate_file;  // PEM; both empty: generated
  std::string key_file;
  // Where sessions are counted, together with those of other listeners that
  // have the same; nullptr: on their own.
  std::shared_ptr<SessionQuota> quota;
  // Open sessions; more are refused with 503.
  size_t max_sessions = limits::kMaxSessionsPerEndpoint;
  // Of one address (IPv6: of one /64); more are refused with 429. 0: no bound.
  size_t max_sessions_per_address = 0;
  // That wait for admit() or refuse(); more are refused with 503.
  size_t max_pending_admissions = limits::kMaxPendingAdmissions;
  // Handshakes of one shard that have begun and not ended; more are not
  // answered.
  size_t max_pending_handshakes = limits::kMaxHandshakes;
  // New connections a second, all shards together; what is beyond is not
  // answered, and clients try again by themselves. 0: no bound.
  size_t max_handshakes_per_s = limits::kMaxHandshakesPerSecond;
  // How long a CONNECT waits for admit() or refuse() before it gets a 503.
  Duration admission_timeout = limits::kAdmissionTimeout;

  // Caller.
  std::string url;  // https://HOST:PORT/meet/ID?token=...&v=1; never logged
  std::vector<std::string> certificate_hashes;  // base64 SHA-256; empty: CAs
  bool insecure_skip_verify = false;
  std::string keylog_file;
  std::string client_name;  // goes into CONNECTION
};

// A CONNECT that waits for admit or refuse.
struct SessionRequest {
  uint64_t id = 0;         // of this endpoint
  std::string meeting_id;  // from the path, checked
  std::string token;       // never logged
  std::string resume;      // base64url, may be empty
  std::string origin;      // empty: native client
  std::string authority;   // what the client called us; never trusted
  std::string remote_address;
};

// An open session. |grant| is what admit() was given; empty for a caller.
struct SessionOpened {
  uint64_t request_id = 0;
  SessionHandle session;
  std::string remote_address;
  std::shared_ptr<void> grant;
};

// What the owner of a shard's loop hears, on that loop's thread.
class ShardVisitor {
 public:
  virtual ~ShardVisitor() = default;
  virtual void on_session_request(const SessionRequest& request) = 0;
  // A CONNECT was admitted; comes before the session's first packet.
  virtual void on_session_opened(const SessionOpened& opened, Time now) = 0;
  virtual void on_packet(SessionHandle session, PacketRef packet, Time now) = 0;
  virtual void on_session_closed(SessionHandle session, CloseCode code,
                                 std::string_view reason, bool by_peer,
                                 Time now) = 0;
  virtual void on_draining(SessionHandle session) = 0;
  // Listener: about every limits::kLinkReportInterval, of sessions over which
  // anything goes. |reports| is borrowed.
  virtual void on_link_reports(std::span<const LinkReport>, Time) {}
  // Caller: CONNECT refused (HTTP status) or no connection at all (status 0).
  virtual void on_refused(int status, std::string_view reason) = 0;
  // The end of one turn of the loop: push downstream what was collected.
  virtual void on_batch_end(Time now) = 0;
};

class Endpoint;

// Why a CONNECT was refused.
enum class ConnectRefusal : uint8_t {
  draining,
  full,     // too many sessions, or too many that wait to be admitted
  address,  // too many sessions of one address
  request,  // path, meeting id, version or token
  timeout,  // nobody decided in time
  program,  // refuse()
};
inline constexpr size_t kConnectRefusals = 6;
VIDEOCALL_API std::string_view to_string(ConnectRefusal why);

inline constexpr size_t kCloseCodes = 8;  // those that have a name

// Counters of all shards since the endpoint was opened. Those of sessions are
// at most limits::kLinkReportInterval old.
struct EndpointStats {
  uint64_t sessions = 0;          // open now
  uint64_t handshakes = 0;        // pending now
  uint64_t admissions = 0;        // wait for admit() or refuse() now
  uint64_t queued_bytes = 0;      // wait to be sent now, all sessions together
  uint64_t retries = 0;           // Retry packets sent
  uint64_t resets = 0;            // stateless resets sent
  uint64_t refused = 0;           // Initials above limits::kMaxHandshakes
  uint64_t forwarded = 0;         // datagrams handed to another shard
  uint64_t dropped_commands = 0;  // hand-overs lost to a full inbox
  uint64_t opened = 0;            // sessions
  std::array<uint64_t, kCloseCodes> closed{};  // sessions, by CloseCode
  std::array<uint64_t, kConnectRefusals> refused_connects{};
  // UDP payload.
  uint64_t udp_bytes_in = 0;
  uint64_t udp_bytes_out = 0;
  uint64_t datagrams_in = 0;
  // Packets of the sessions.
  uint64_t packets_in = 0;
  uint64_t packets_out = 0;
  uint64_t packet_bytes_in = 0;
  uint64_t packet_bytes_out = 0;
  uint64_t packets_refused = 0;  // broke the contract
  uint64_t dropped_audio = 0;    // waited too long or did not fit
  uint64_t dropped_video = 0;
  uint64_t groups_cut = 0;
  // From a client's first packet to the end of its handshake.
  DurationHistogram::Snapshot handshake;
  // From CONNECT to the answer.
  DurationHistogram::Snapshot admission;
  // From reading what arrived to having sent what it caused here.
  DurationHistogram::Snapshot relay_delay;
  // Until another shard takes what was handed over to it.
  DurationHistogram::Snapshot handover_delay;
  // Age of the oldest that waits, and round-trip time: once for each session
  // and limits::kLinkReportInterval in which anything is sent to it.
  DurationHistogram::Snapshot queue_delay;
  DurationHistogram::Snapshot rtt;
};

// A number for EndpointConfig::number; also for transports that are no QUIC.
VIDEOCALL_API uint16_t next_endpoint_number();

// Certificate hashes as browsers want them (serverCertificateHashes), each
// base64 of SHA-256: the one in use, and the next one once it is made.
using CertificateHashes = std::vector<std::string>;

class VIDEOCALL_API Endpoint {
 public:
  // Opens the sockets; a caller's host is looked up here, and this may block
  // on DNS. Errc::address_in_use names the port in its message.
  static Result<std::shared_ptr<Endpoint>> open(EndpointConfig config);
  virtual ~Endpoint() = default;

  virtual const EndpointConfig& config() const = 0;
  // Listener: the port that was bound. Caller: that of the local socket.
  virtual uint16_t port() const = 0;
  virtual CertificateHashes certificate_hashes() const = 0;
  // Listener with PEM files: reads them again; on failure keeps the old ones.
  virtual Result<void> reload_certificate() = 0;

  // -- The loop of one shard, one thread each --------------------------------
  // Waits at most |timeout| for the network, a timer or wake(), handles what
  // came, calls |visitor|, writes what may be written. Fails with
  // Errc::invalid_argument while another thread is in the same shard's turn.
  virtual Result<void> run_once(unsigned shard, ShardVisitor& visitor,
                                Duration timeout) = 0;
  // Makes run_once return. Any thread.
  virtual void wake(unsigned shard) = 0;

  // -- From any thread; commands go through bounded inboxes ------------------
  // Queues deliveries for those of their recipients that are this endpoint's.
  // Within run_once() of a shard (that is, called by its visitor) the sessions
  // of that shard are served directly; every other shard with recipients costs
  // one hand-over.
  virtual void deliver(std::span<const Delivery> deliveries) = 0;
  // Caller: to the server, under the scheduler's policy.
  virtual void send(std::span<const PacketRef> packets) = 0;
  // |grant| goes to on_session_opened as it is. An id that was answered or
  // whose client has gone is ignored.
  virtual void admit(uint64_t request_id, std::shared_ptr<void> grant) = 0;
  virtual void refuse(uint64_t request_id, int status,
                      std::string_view reason) = 0;
  virtual void close_session(const CloseCommand& command) = 0;
  // Refuses new sessions with 503 and sends DRAIN to all.
  virtual void drain() = 0;
  virtual void close_all(CloseCode code, std::string_view reason) = 0;
  virtual size_t session_count() const = 0;
  // Caller: of the one session, at most 100 ms old.
  virtual ChannelStats stats() const = 0;
  virtual EndpointStats endpoint_stats() const = 0;
};

// The endpoints of this process by name, shared by a source and a sink that
// carry the same name, right in every order of creation. Thread-safe.
class VIDEOCALL_API EndpointRegistry {
 public:
  // The live endpoint called |name|, or the one that |make| opens.
  static Result<std::shared_ptr<Endpoint>> acquire(
      const std::string& name,
      const std::function<Result<std::shared_ptr<Endpoint>>()>& make);
  static std::shared_ptr<Endpoint> find(const std::string& name);
};

}  // namespace videocall::quic
