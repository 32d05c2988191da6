// SPDX-License-Identifier: MIT
// Several shards in one room at once: what one viewer gets must be in the
// room's order, whichever thread carried it. For TSan as well.
#include <atomic>
#include <mutex>
#include <thread>

#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

namespace {

constexpr uint32_t kShards = 4;
constexpr uint32_t kViewers = 20;  // of each shard

// What each session got, in order.
struct Inboxes {
  std::mutex mutex;
  std::map<uint32_t, std::vector<PacketRef>> of;
};

class Shard {
 public:
  Shard(Hub& hub, Inboxes& inboxes, uint16_t number)
      : hub_(hub), inboxes_(inboxes), number_(number) {}

  SessionHandle handle(uint32_t n) const {
    return {1, number_, number_ * 1000u + n, 1};
  }

  void join(uint32_t n) {
    hub_.open(handle(n),
              {.meeting = "demo", .user_id = "u" + std::to_string(n)}, now(),
              batch_);
    auto hello = Packet::build({.type = PacketType::connection});
    hub_.packet(handle(n), std::move(*hello), now(), batch_);
    settle();
  }

  void leave(uint32_t n) {
    hub_.close(handle(n), CloseCode::left, now(), batch_);
    settle();
  }

  void frame(uint32_t n, World::Stream& stream, bool keyframe) {
    hub_.packet(handle(n), World::frame(stream, keyframe), now(), batch_);
    settle();
  }

  void tick() {
    hub_.tick(now(), batch_);
    settle();
  }

 private:
  Now now() const { return {Clock::now(), 1}; }

  void settle() {
    Output out;
    while (hub_.collect(batch_, out)) {
      const std::lock_guard lock(inboxes_.mutex);
      for (const Delivery& delivery : out.deliveries) {
        for (const SessionHandle& to : delivery.to->sessions)
          inboxes_.of[to.slot].push_back(delivery.packet);
      }
    }
  }

  Hub& hub_;
  Inboxes& inboxes_;
  uint16_t number_;
  Hub::Batch batch_;
};

void check_order(const std::vector<PacketRef>& inbox) {
  ck_assert(!inbox.empty());
  ck_assert(inbox[0]->fields().type == PacketType::session_assigned);
  std::map<uint64_t, uint64_t> groups;
  std::set<uint64_t> left;
  for (const PacketRef& packet : inbox) {
    const PacketFields& fields = packet->fields();
    if (fields.type == PacketType::meeting) {
      proto::MeetingPacket message;
      ck_assert(message.ParseFromString(text_of(fields.data)));
      if (message.event_type() == proto::MeetingPacket::PARTICIPANT_LEFT)
        left.insert(message.session_id());
      if (message.event_type() == proto::MeetingPacket::PARTICIPANT_JOINED)
        ck_assert_msg(!left.contains(message.session_id()),
                      "joined after it left");
    }
    if (fields.type != PacketType::media) continue;
    if (fields.header.keyframe) groups[fields.session_id] = fields.header.group;
    ck_assert_msg(groups[fields.session_id] == fields.header.group,
                  "a live frame overtook the cached group");
  }
}

}  // namespace

VC_TEST(what_a_viewer_gets_is_in_order) {
  std::atomic<uint64_t> ids{1};
  Hub hub({.node_id = "n", .random = [&] { return ids.fetch_add(1); }});
  Inboxes inboxes;
  std::vector<std::thread> threads;
  for (uint16_t number = 0; number < kShards; ++number) {
    threads.emplace_back([&, number] {
      Shard shard(hub, inboxes, number);
      World::Stream stream;
      shard.join(0);
      for (uint32_t i = 1; i <= kViewers; ++i) {
        for (int f = 0; f < 40; ++f) shard.frame(0, stream, f % 15 == 0);
        shard.join(i);
        if (i % 3 == 0) shard.leave(i);
      }
    });
  }
  std::atomic<bool> done{false};
  std::thread timer([&] {
    Shard shard(hub, inboxes, 99);
    while (!done) {
      shard.tick();
      hub.list_members("demo");
      hub.stats();
      std::this_thread::yield();
    }
    shard.tick();
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  timer.join();
  ck_assert_uint_eq(inboxes.of.size(), kShards * (kViewers + 1));
  for (const auto& [slot, inbox] : inboxes.of) check_order(inbox);
  ck_assert_uint_eq(hub.stats().members,
                    kShards * (kViewers + 1 - kViewers / 3));
}

VC_TEST(rooms_come_and_go_under_many_threads) {
  std::atomic<uint64_t> ids{1};
  Hub hub({.node_id = "n", .random = [&] { return ids.fetch_add(1); }});
  Inboxes inboxes;
  std::vector<std::thread> threads;
  for (uint16_t number = 0; number < kShards; ++number) {
    threads.emplace_back([&, number] {
      Shard shard(hub, inboxes, number);
      for (uint32_t i = 0; i < 300; ++i) {
        shard.join(i);
        shard.leave(i);
        shard.tick();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Shard last(hub, inboxes, 50);
  last.tick();
  ck_assert_uint_eq(hub.stats().rooms, 0);
  ck_assert_uint_eq(hub.stats().sessions, 0);
  for (const auto& [slot, inbox] : inboxes.of)
    ck_assert(inbox.at(0)->fields().type == PacketType::session_assigned);
}

VC_SUITE_MAIN("room/hub_threads")
