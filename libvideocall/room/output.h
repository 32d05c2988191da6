// SPDX-License-Identifier: MIT
// What a call into a room results in, to be carried out by the caller in this
// order: subscriptions, notices of spent tokens, publications and deliveries,
// each in their order, closes, the other notices.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libvideocall/base/time.h"
#include "libvideocall/cluster/subject.h"
#include "libvideocall/wire/delivery.h"

namespace videocall::room {

// The two clocks that a room is handed; it reads none itself.
struct Now {
  Time mono;             // for intervals and timeouts
  uint64_t unix_ms = 0;  // what people are shown
};

// As proto MemberRole.
enum class Role : uint8_t {
  unspecified = 0,
  host = 1,
  participant = 2,
  observer = 3,  // sees and hears, but sends no media
};

// Why somebody left who did not resume.
inline constexpr std::string_view kLost = "lost";

// What the program around the room is told.
struct Notice {
  enum class Kind {
    token_spent,
    joined,
    disconnected,  // its session has ended; it may resume
    resumed,
    left,
  };
  Kind kind = Kind::joined;
  std::string meeting;
  uint64_t session_id = 0;
  std::string user_id;
  std::string display_name;
  Role role = Role::unspecified;
  // disconnected, left: why, as to_string(CloseCode); left also "lost": it did
  // not resume.
  std::string reason;
  std::string token_id;  // token_spent
};

// What the node begins or ceases to hear of other nodes.
struct Subscription {
  std::string subject;
  bool on = true;
};

// One packet, once for all other nodes that listen on |subject|.
struct Publication {
  PacketRef packet;
  SubjectPtr subject;
};

// What a client says of how it fares (HEALTH), without who or of whom.
struct ClientReport {
  Duration rtt{0};      // to us; 0: unknown
  unsigned peers = 0;   // of whom it says something
  unsigned unseen = 0;  // send video that it does not see
  unsigned unheard = 0;
};

struct Output {
  std::vector<Subscription> subscriptions;
  std::vector<Publication> publications;
  std::vector<Delivery> deliveries;
  // Every media packet that was accepted, stamped, once, whether or not
  // anybody gets it.
  std::vector<PacketRef> media;
  std::vector<CloseCommand> closes;
  std::vector<Notice> notices;
  std::vector<ClientReport> reports;

  // Nothing is delivered to nobody. |subject|: also to other nodes.
  void deliver(PacketRef packet, const RecipientsPtr& to,
               const SubjectPtr& subject = {}) {
    if (subject) publications.push_back({packet, subject});
    if (to && !to->sessions.empty())
      deliveries.push_back({std::move(packet), to});
  }
  void subscribe(std::string subject, bool on) {
    subscriptions.push_back({std::move(subject), on});
  }

  bool empty() const {
    return subscriptions.empty() && publications.empty() &&
           deliveries.empty() && media.empty() && closes.empty() &&
           notices.empty() && reports.empty();
  }

  // Empties it and keeps the memory, so that a packet allocates nothing.
  void clear() {
    subscriptions.clear();
    publications.clear();
    deliveries.clear();
    media.clear();
    closes.clear();
    notices.clear();
    reports.clear();
  }

  // Appends what |other| holds and empties it.
  void take(Output& other) {
    move_all(other.subscriptions, subscriptions);
    move_all(other.publications, publications);
    move_all(other.deliveries, deliveries);
    move_all(other.media, media);
    move_all(other.closes, closes);
    move_all(other.notices, notices);
    move_all(other.reports, reports);
    other.clear();
  }

 private:
  template <typename T>
  static void move_all(std::vector<T>& from, std::vector<T>& to) {
    to.insert(to.end(), std::make_move_iterator(from.begin()),
              std::make_move_iterator(from.end()));
  }
};

}  // namespace videocall::room
