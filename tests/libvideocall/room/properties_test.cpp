// SPDX-License-Identifier: MIT
// What must hold whatever happens, tried on random histories: a viewer never
// gets a delta frame without its key frame, never two layers mixed, never an
// upper temporal layer after a gap; nobody gets own media; ids are never used
// twice; nothing goes to a session that left (World checks that).
#include <algorithm>
#include <memory>

#include "tests/libvideocall/room/world.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

namespace {

struct Watched {
  bool started = false;
  uint8_t layer = 0;
  uint64_t group = 0;
  uint64_t sequence = 0;
};

struct Person {
  std::string name;
  Client* client = nullptr;  // nullptr: gone for good
  bool lost = false;
  std::vector<World::Stream> streams;
  // (sender, kind) as this session has seen it
  std::map<std::pair<uint64_t, MediaKind>, Watched> watched;
};

class History {
 public:
  explicit History(uint64_t seed) : random_(seed), world_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      check();
    }
  }
  size_t frames_seen() const { return frames_seen_; }

 private:
  uint64_t pick(uint64_t below) { return random_() % below; }

  Person* pick_person(bool lost) {
    std::vector<Person*> found;
    for (const auto& person : people_) {
      if (person->client && person->lost == lost) found.push_back(person.get());
    }
    return found.empty() ? nullptr : found[pick(found.size())];
  }

  void step() {
    const uint64_t action = pick(100);
    if (action < 4) return join();
    if (action < 6) return leave();
    if (action < 8) return lose();
    if (action < 11) return resume();
    if (action < 14) return viewport();
    if (action < 17) return camera_switch();
    if (action < 20) return world_.advance(Duration(pick(1500) * 1ms));
    frames();
  }

  void join() {
    if (people_.size() > 40) return;
    auto person = std::make_unique<Person>();
    person->name = "p" + std::to_string(people_.size());
    person->client = &world_.join(person->name);
    ck_assert_msg(ids_.insert(person->client->id).second, "an id used twice");
    const uint64_t layers = 1 + pick(3);
    for (uint64_t layer = 0; layer < layers; ++layer)
      person->streams.push_back(
          {.layer = static_cast<uint8_t>(layer),
           .height = static_cast<uint32_t>(180u << layer),
           .bytes = pick(4) == 0 ? size_t{20'000} : size_t{200}});
    if (pick(4) == 0) person->streams.push_back({.kind = MediaKind::screen});
    people_.push_back(std::move(person));
  }

  void leave() {
    Person* person = pick_person(false);
    if (!person) return;
    world_.leave(*person->client);
    person->client = nullptr;
  }

  void lose() {
    Person* person = pick_person(false);
    if (!person) return;
    world_.leave(*person->client, static_cast<CloseCode>(256));
    person->lost = true;
  }

  // Of a lost session, or in place of a living one.
  void resume() {
    Person* person = pick_person(pick(2) == 0);
    if (!person) return;
    const uint64_t id = person->client->id;
    person->client =
        &world_.join(person->name, {.session_id = id, .resumes = true});
    ck_assert_uint_eq(person->client->id, id);
    person->lost = false;
    person->watched.clear();
  }

  void viewport() {
    Person* person = pick_person(false);
    if (!person) return;
    std::vector<std::tuple<uint64_t, MediaKind, uint32_t>> tiles;
    for (const auto& other : people_) {
      if (!other->client || pick(2) == 0) continue;
      tiles.emplace_back(other->client->id,
                         pick(3) == 0 ? MediaKind::screen : MediaKind::video,
                         static_cast<uint32_t>(pick(1000)));
    }
    world_.view(*person->client, tiles);
  }

  void camera_switch() {
    Person* person = pick_person(false);
    if (!person) return;
    proto::MemberState state;
    state.set_video_enabled(pick(2) == 0);
    state.set_speaking(pick(2) == 0);
    world_.state(*person->client, state);
  }

  void frames() {
    Person* person = pick_person(false);
    if (!person) return;
    World::Stream& stream = person->streams[pick(person->streams.size())];
    const uint64_t count = 1 + pick(12);
    for (uint64_t i = 0; i < count; ++i) {
      const bool keyframe = pick(15) == 0;
      const auto temporal = static_cast<uint8_t>(keyframe ? 0 : pick(3));
      PacketRef packet = World::frame(stream, keyframe, temporal);
      if (pick(40) == 0) continue;  // lost on the way to the server
      world_.send(*person->client, std::move(packet));
    }
  }

  void check() {
    for (const auto& person : people_) {
      if (!person->client) continue;
      for (const PacketRef& packet : person->client->take()) {
        const PacketFields& fields = packet->fields();
        if (fields.type != PacketType::media) continue;
        ck_assert_uint_ne(fields.session_id, person->client->id);
        check_frame(person->watched[{fields.session_id, fields.kind}], fields);
        ++frames_seen_;
      }
    }
  }

  static void check_frame(Watched& seen, const PacketFields& fields) {
    const MediaHeader& header = fields.header;
    if (header.keyframe) {
      seen = {true, fields.layer, header.group, header.sequence};
      return;
    }
    ck_assert_msg(seen.started, "a delta frame before any key frame");
    ck_assert_msg(fields.layer == seen.layer, "two layers mixed");
    ck_assert_msg(header.group == seen.group, "not this key frame's");
    ck_assert_msg(header.sequence > seen.sequence, "out of order");
    seen.sequence = header.sequence;
  }

  std::mt19937_64 random_;
  World world_;
  std::vector<std::unique_ptr<Person>> people_;
  std::set<uint64_t> ids_;
  size_t frames_seen_ = 0;
};

}  // namespace

VC_TEST(random_histories_keep_the_promises) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    History history(seed);
    history.run(600);
    ck_assert_uint_gt(history.frames_seen(), 1000);
  }
}

// One viewer comes at every place in a group, of every size.
VC_TEST(temporal_layers_come_back_only_at_a_groups_start) {
  for (const size_t bytes : {100u, 5'000u, 40'000u}) {
    for (int joined_at = 1; joined_at < 40; ++joined_at) {
      World world;
      Client& anna = world.join("anna");
      World::Stream stream{.bytes = bytes};
      Client* bert = nullptr;
      for (int i = 0; i < 60; ++i) {
        constexpr uint8_t kPattern[] = {0, 2, 1, 2};
        if (i == joined_at) bert = &world.join("bert");
        world.send_frame(anna, stream, i % 40 == 0, kPattern[i % 4]);
      }
      uint64_t last = 0;
      bool gap = false;
      size_t keyframes = 0;
      for (const PacketRef& packet : bert->of(PacketType::media)) {
        const MediaHeader& header = packet->fields().header;
        if (header.keyframe) {
          gap = false;
          ++keyframes;
        } else if (header.sequence != last + 1) {
          gap = true;
        }
        ck_assert(!gap || header.temporal_id == 0);
        last = header.sequence;
      }
      ck_assert_uint_eq(keyframes, 2);
      ck_assert_uint_eq(last, 60);
    }
  }
}

VC_SUITE_MAIN("room/properties")
