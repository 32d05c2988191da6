// SPDX-License-Identifier: MIT
// Several hubs, joined by a broker that can lose its links, with fake time, and
// clients that keep what they are sent.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/libvideocall/room/world.h"

namespace videocall::room::testing {

class Nodes {
 public:
  struct Node {
    explicit Node(Config config) : hub(std::move(config)) {}
    Hub hub;
    Hub::Batch batch;
    std::string id;
    int side = 0;  // nodes of different sides do not hear each other
    bool dead = false;
    bool linked = false;
    std::set<std::string> subjects;
    size_t heard = 0;  // media messages that the broker gave it
    size_t told = 0;   // of what is said in rooms
    size_t beats = 0;  // of what nodes say to all nodes
    std::vector<Notice> notices;
  };
  // A client of one node.
  struct Person : Client {
    Node* node = nullptr;
  };

  Nodes() {
    now.mono = Time(1000s);
    now.unix_ms = 1'700'000'000'000;
  }
  ~Nodes() { settle(); }

  Node& start(const std::string& id) {
    Config config;
    config.node_id = id;
    config.random = [this] { return random_(); };
    config.issue_secret = [](std::string_view, std::string_view, uint64_t,
                             uint64_t) { return std::string("secret"); };
    nodes.push_back(std::make_unique<Node>(std::move(config)));
    nodes.back()->id = id;
    return *nodes.back();
  }
  void link(Node& node, bool up) {
    node.linked = up;
    node.hub.set_link(up, now, node.batch);
    settle();
  }
  Node& start_linked(const std::string& id) {
    Node& node = start(id);
    link(node, true);
    return node;
  }

  Person& join(Node& node, const std::string& name, uint64_t resumes = 0) {
    people.push_back(std::make_unique<Person>());
    Person& person = *people.back();
    person.node = &node;
    person.handle = {1, 0, static_cast<uint32_t>(people.size() - 1), 1};
    Grant grant;
    grant.meeting = "demo";
    grant.user_id = grant.display_name = name;
    grant.session_id = resumes;
    grant.resumes = resumes != 0;
    node.hub.open(person.handle, grant, now, node.batch);
    send(person, PacketType::connection, {});
    return person;
  }
  void leave(Person& person, CloseCode code = CloseCode::left) {
    person.closed = true;
    person.node->hub.close(person.handle, code, now, person.node->batch);
    settle();
  }
  void send(Person& person, PacketType type, const std::string& data) {
    auto packet = Packet::build({.type = type, .data = bytes_of(data)});
    ck_assert(packet.ok());
    send(person, std::move(*packet));
  }
  void send(Person& person, PacketRef packet) {
    person.node->hub.packet(person.handle, std::move(packet), now,
                            person.node->batch);
    settle();
  }
  void send_frame(Person& person, World::Stream& stream, bool keyframe) {
    send(person, World::frame(stream, keyframe));
  }
  void send_audio(Person& person, uint64_t sequence) {
    PacketFields fields;
    fields.type = PacketType::media;
    fields.kind = MediaKind::audio;
    fields.header.sequence = sequence;
    fields.header.audio_level = 20;
    send(person, *Packet::build(fields));
  }
  void view(Person& person, uint64_t session, uint32_t height) {
    proto::Viewport message;
    auto* tile = message.add_tiles();
    tile->set_session_id(session);
    tile->set_media_kind(proto::MEDIA_KIND_VIDEO);
    tile->set_height_px(height);
    send(person, PacketType::viewport, message.SerializeAsString());
  }

  void advance(
      Duration duration, const std::function<void()>& meanwhile = [] {}) {
    const Time end = now.mono + duration;
    while (now.mono < end) {
      now.mono += 100ms;
      now.unix_ms += 100;
      meanwhile();
      // Nobody is silent for so long that the room ends the session.
      for (const auto& node : nodes)
        if (!node->dead) node->hub.tick(now, node->batch);
      settle();
    }
  }
  // The person says something, as a client does every 5 s.
  void keep_alive() {
    for (const auto& person : people)
      if (!person->closed && !person->node->dead)
        send(*person, PacketType::member_state, {});
  }

  // Carries out what the hubs say, until nothing more comes of it.
  void settle() {
    bool busy = true;
    while (busy) {
      busy = false;
      for (const auto& node : nodes) busy |= carry_out(*node);
      while (!broker_.empty()) {
        Message message = std::move(broker_.front());
        broker_.pop_front();
        give(message);
        busy = true;
      }
    }
  }

  std::vector<std::string> names(const Node& node) const {
    std::vector<std::string> names;
    for (const MemberInfo& member : node.hub.list_members("demo"))
      names.push_back(member.user_id);
    std::sort(names.begin(), names.end());
    return names;
  }

  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::unique_ptr<Person>> people;
  Now now;

 private:
  struct Message {
    const Node* from;
    std::string subject;
    PacketRef packet;
  };

  bool carry_out(Node& node) {
    Output out;
    bool busy = false;
    while (node.hub.collect(node.batch, out)) {
      busy = true;
      for (const Subscription& subscription : out.subscriptions) {
        if (subscription.on)
          node.subjects.insert(subscription.subject);
        else
          node.subjects.erase(subscription.subject);
      }
      for (const Publication& publication : out.publications)
        if (node.linked && !node.dead)
          broker_.push_back({&node, *publication.subject, publication.packet});
      for (const Delivery& delivery : out.deliveries) {
        for (const SessionHandle& to : delivery.to->sessions) {
          Person& person = *people.at(to.slot);
          ck_assert(person.node == &node);
          ck_assert_msg(!person.closed, "a message to a session that left");
          if (delivery.packet->fields().type == PacketType::session_assigned)
            person.id = delivery.packet->fields().session_id;
          person.inbox.push_back(delivery.packet);
        }
      }
      for (const CloseCommand& command : out.closes) {
        people.at(command.session.slot)->closed = true;
        people.at(command.session.slot)->code = command.code;
      }
      for (const Notice& notice : out.notices) node.notices.push_back(notice);
    }
    return busy;
  }

  static bool matches(const std::set<std::string>& subjects,
                      const std::string& subject) {
    const std::string any = subject.substr(0, subject.rfind('.')) + ".*";
    return subjects.contains(subject) || subjects.contains(any);
  }

  void give(const Message& message) {
    for (const auto& node : nodes) {
      if (node.get() == message.from || node->dead || !node->linked ||
          node->side != message.from->side ||
          !matches(node->subjects, message.subject))
        continue;
      auto packet = Packet::from_bytes(message.packet->bytes());
      ck_assert(packet.ok());
      if ((*packet)->fields().type == PacketType::media) ++node->heard;
      if (message.subject.find(".ctl.") != std::string::npos) ++node->told;
      if (message.subject == cluster::kNodesSubject) ++node->beats;
      node->hub.heard(message.subject, std::move(*packet), now, node->batch);
    }
  }

  std::mt19937_64 random_{7};
  std::deque<Message> broker_;
};

}  // namespace videocall::room::testing
