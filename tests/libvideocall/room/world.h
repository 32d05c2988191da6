// SPDX-License-Identifier: MIT
// A hub with fake time and seeded randomness, and clients that keep what they
// are sent.
#pragma once

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "chat.pb.h"
#include "choice.pb.h"
#include "libvideocall/room/hub.h"
#include "meeting.pb.h"
#include "packet_wrapper.pb.h"
#include "session.pb.h"

// Last, since it defines fail().
#include <check.h>

namespace videocall::room::testing {

inline Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Client {
  SessionHandle handle;
  uint64_t id = 0;               // of the last SESSION_ASSIGNED
  std::vector<PacketRef> inbox;  // everything since the last take
  bool closed = false;
  CloseCode code = CloseCode::left;

  std::vector<PacketRef> take() { return std::exchange(inbox, {}); }

  // Of the inbox: those of |type|.
  std::vector<PacketRef> of(PacketType type) const {
    std::vector<PacketRef> found;
    for (const PacketRef& packet : inbox) {
      if (packet->fields().type == type) found.push_back(packet);
    }
    return found;
  }

  std::vector<proto::MeetingPacket> meeting(
      proto::MeetingPacket::MeetingEventType event) const {
    std::vector<proto::MeetingPacket> found;
    for (const PacketRef& packet : of(PacketType::meeting)) {
      proto::MeetingPacket message;
      ck_assert(message.ParseFromString(text_of(packet->fields().data)));
      if (message.event_type() == event) found.push_back(message);
    }
    return found;
  }
};

class World {
 public:
  explicit World(uint64_t seed = 1, const Policy& policy = {})
      : random_(seed), hub(make_config(policy)) {
    now.mono = Time(1000s);
    now.unix_ms = 1'700'000'000'000;
  }

  ~World() { settle(); }

  void advance(Duration duration) {
    // As the router does: a tick every 100 ms.
    const Time end = now.mono + duration;
    while (now.mono < end) {
      const Duration step = std::min<Duration>(100ms, end - now.mono);
      now.mono += step;
      now.unix_ms += static_cast<uint64_t>(step / 1ms);
      hub.tick(now, batch_);
      settle();
    }
  }

  // A tick at every 100 ms of the clock, however small the steps.
  void advance_smoothly(Duration duration) {
    const auto tenth = [this] { return now.mono.time_since_epoch() / 100ms; };
    const auto before = tenth();
    now.mono += duration;
    now.unix_ms += static_cast<uint64_t>(duration / 1ms);
    if (tenth() == before) return;
    hub.tick(now, batch_);
    settle();
  }

  void link(const LinkReport& report) {
    hub.link({&report, 1}, now, batch_);
    settle();
  }

  // A session that was admitted but has said nothing.
  Client& open(const Grant& grant) {
    const auto slot = static_cast<uint32_t>(clients_.size());
    const SessionHandle handle{1, static_cast<uint16_t>(slot % 2), slot, 1};
    clients_.push_back(std::make_unique<Client>());
    clients_.back()->handle = handle;
    hub.open(handle, grant, now, batch_);
    settle();
    return *clients_.back();
  }

  Client& join(const std::string& name, Grant grant = {}) {
    if (grant.meeting.empty()) grant.meeting = "demo";
    grant.user_id = name;
    if (grant.display_name.empty()) grant.display_name = name;
    Client& client = open(grant);
    connect(client);
    return client;
  }

  void connect(Client& client, const std::string& meeting = {}) {
    proto::ConnectionPacket message;
    message.set_meeting_id(meeting);
    send(client, PacketType::connection, message.SerializeAsString());
  }

  void leave(Client& client, CloseCode code = CloseCode::left) {
    client.closed = true;
    hub.close(client.handle, code, now, batch_);
    settle();
  }

  void send(Client& client, PacketType type, const std::string& data) {
    auto packet = Packet::build({.type = type, .data = bytes_of(data)});
    ck_assert(packet.ok());
    send(client, std::move(*packet));
  }

  void send(Client& client, PacketRef packet) {
    hub.packet(client.handle, std::move(packet), now, batch_);
    settle();
  }

  // A frame of a sender that counts groups and sequences as it should.
  struct Stream {
    MediaKind kind = MediaKind::video;
    uint8_t layer = 0;
    uint32_t height = 360;
    size_t bytes = 100;
    uint64_t sequence = 0;
    uint64_t group = 0;
  };
  static PacketRef frame(Stream& stream, bool keyframe, uint8_t temporal = 0) {
    const std::string data(stream.bytes, 'f');
    PacketFields fields;
    fields.type = PacketType::media;
    fields.kind = stream.kind;
    fields.layer = stream.layer;
    fields.data = bytes_of(data);
    fields.header.sequence = ++stream.sequence;
    if (keyframe) ++stream.group;
    fields.header.group = stream.group;
    fields.header.keyframe = keyframe;
    fields.header.temporal_id = temporal;
    if (keyframe) {
      fields.header.height = stream.height;
      fields.header.width = stream.height * 16 / 9;
      fields.header.codec = "vp8";
    }
    auto packet = Packet::build(fields);
    ck_assert(packet.ok());
    return std::move(*packet);
  }
  void send_frame(Client& client, Stream& stream, bool keyframe,
                  uint8_t temporal = 0) {
    send(client, frame(stream, keyframe, temporal));
  }
  void send_audio(Client& client, uint8_t level, uint64_t sequence = 1,
                  size_t bytes = 0) {
    const std::string data(bytes, 'a');
    PacketFields fields;
    fields.data = bytes_of(data);
    fields.type = PacketType::media;
    fields.kind = MediaKind::audio;
    fields.header.sequence = sequence;
    fields.header.audio_level = level;
    auto packet = Packet::build(fields);
    ck_assert(packet.ok());
    send(client, std::move(*packet));
  }
  void view(
      Client& client,
      const std::vector<std::tuple<uint64_t, MediaKind, uint32_t>>& tiles) {
    proto::Viewport message;
    for (const auto& [session, kind, height] : tiles) {
      auto* tile = message.add_tiles();
      tile->set_session_id(session);
      tile->set_media_kind(static_cast<proto::MediaKind>(kind));
      tile->set_height_px(height);
    }
    send(client, PacketType::viewport, message.SerializeAsString());
  }
  void state(Client& client, const proto::MemberState& message) {
    send(client, PacketType::member_state, message.SerializeAsString());
  }

  // Carries out what the hub says; nothing may go to whom it closed, or who
  // left.
  void settle() {
    Output out;
    while (hub.collect(batch_, out)) {
      for (const Delivery& delivery : out.deliveries) {
        ck_assert(!delivery.to->sessions.empty());
        for (const SessionHandle& to : delivery.to->sessions) {
          Client& client = *clients_.at(to.slot);
          ck_assert_msg(!client.closed, "a message to a session that left");
          if (delivery.packet->fields().type == PacketType::session_assigned)
            client.id = delivery.packet->fields().session_id;
          client.inbox.push_back(delivery.packet);
        }
      }
      for (const CloseCommand& command : out.closes) {
        Client& client = *clients_.at(command.session.slot);
        client.closed = true;
        client.code = command.code;
      }
      for (const Notice& notice : out.notices) notices.push_back(notice);
      media += out.media.size();
    }
  }

  std::vector<Notice> of(Notice::Kind kind) const {
    std::vector<Notice> found;
    for (const Notice& notice : notices) {
      if (notice.kind == kind) found.push_back(notice);
    }
    return found;
  }

 private:
  Config make_config(const Policy& policy) {
    Config config;
    config.policy = policy;
    config.node_id = "n1";
    config.random = [this] { return random_(); };
    config.issue_secret = [this](std::string_view meeting, std::string_view,
                                 uint64_t id, uint64_t) {
      return std::string(meeting) + ":" + std::to_string(id) + ":" +
             std::to_string(++secrets_);
    };
    return config;
  }

  std::mt19937_64 random_;
  int secrets_ = 0;
  std::vector<std::unique_ptr<Client>> clients_;
  Hub::Batch batch_;

 public:
  Now now;
  Hub hub;
  std::vector<Notice> notices;
  size_t media = 0;  // packets that a tap would have got
};

}  // namespace videocall::room::testing
