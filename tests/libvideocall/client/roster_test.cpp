// SPDX-License-Identifier: MIT
#include "libvideocall/client/roster.h"

#include "meeting.pb.h"
#include "tests/support/suite.h"

using namespace videocall;
using client::Member;
using client::Roster;
using Event = proto::MeetingPacket;

namespace {

struct Log final : client::RosterObserver {
  void on_member_joined(const Member& member) override {
    text += "+" + member.user_id + " ";
  }
  void on_member_changed(const Member& member) override {
    text += "~" + member.user_id + " ";
  }
  void on_member_left(const Member& member, const std::string& why) override {
    text += "-" + member.user_id + (why.empty() ? " " : "(" + why + ") ");
  }
  std::string take() { return std::exchange(text, ""); }
  std::string text;
};

PacketRef packet(PacketType type, const std::string& data, uint64_t id = 0) {
  PacketFields fields;
  fields.type = type;
  fields.session_id = id;
  fields.data = {reinterpret_cast<const uint8_t*>(data.data()), data.size()};
  return std::move(*Packet::build(fields));
}

void tell(Roster& roster, Event::MeetingEventType type, uint64_t id,
          const std::string& user = "", const std::string& message = "") {
  Event event;
  event.set_event_type(type);
  event.set_session_id(id);
  event.set_target_user_id(user);
  event.set_display_name(user + "'s name");
  event.set_message(message);
  event.set_participant_count(7);
  event.mutable_state()->set_video_enabled(true);
  event.set_role(proto::MEMBER_ROLE_HOST);
  roster.on_packet(*packet(PacketType::meeting, event.SerializeAsString()));
}

}  // namespace

VC_TEST(follows_who_comes_and_goes) {
  Log log;
  Roster roster(log);
  roster.begin_listing(1);
  tell(roster, Event::PARTICIPANT_JOINED, 2, "anna");
  tell(roster, Event::PARTICIPANT_JOINED, 1, "me");
  tell(roster, Event::MEETING_ACTIVATED, 0);
  ck_assert(log.take() == "+anna ");
  const Member* anna = roster.find(2);
  ck_assert(anna && anna->display_name == "anna's name");
  ck_assert(anna->video_enabled && !anna->audio_enabled);
  ck_assert_uint_eq(anna->role, proto::MEMBER_ROLE_HOST);
  ck_assert_int_eq(roster.participant_count(), 7);

  tell(roster, Event::PARTICIPANT_JOINED, 3, "bob");
  tell(roster, Event::PARTICIPANT_LEFT, 2, "", "lost");
  tell(roster, Event::PARTICIPANT_LEFT, 2, "", "lost");
  ck_assert(log.take() == "+bob -anna(lost) ");

  proto::MemberState state;
  state.set_audio_enabled(true);
  state.set_hand_raised(true);
  roster.on_packet(
      *packet(PacketType::member_state, state.SerializeAsString(), 3));
  roster.on_packet(
      *packet(PacketType::member_state, state.SerializeAsString(), 99));
  ck_assert(log.take() == "~bob ");
  ck_assert(roster.find(3)->audio_enabled && !roster.find(3)->video_enabled);
  ck_assert(roster.find(3)->display_name == "bob's name");
}

VC_TEST(a_resume_changes_nothing_for_those_who_stayed) {
  Log log;
  Roster roster(log);
  roster.begin_listing(1);
  tell(roster, Event::PARTICIPANT_JOINED, 2, "anna");
  tell(roster, Event::PARTICIPANT_JOINED, 3, "bob");
  tell(roster, Event::MEETING_ACTIVATED, 0);
  log.take();
  roster.begin_listing(1);
  tell(roster, Event::PARTICIPANT_JOINED, 3, "bob");
  tell(roster, Event::PARTICIPANT_JOINED, 4, "carl");
  ck_assert_uint_eq(roster.size(), 3);
  tell(roster, Event::MEETING_ACTIVATED, 0);
  ck_assert(log.take() == "~bob +carl -anna ");
  // Later counts do not end a list that is not running.
  tell(roster, Event::MEETING_ACTIVATED, 0);
  ck_assert_uint_eq(roster.size(), 2);
  roster.clear();
  ck_assert_uint_eq(roster.size(), 0);
}

VC_TEST(a_server_can_name_only_so_many) {
  Log log;
  Roster roster(log);
  roster.begin_listing(1);
  for (uint64_t id = 2; id < limits::kMaxRosterMembers + 102; ++id)
    tell(roster, Event::PARTICIPANT_JOINED, id, "a");
  ck_assert_ptr_nonnull(roster.find(limits::kMaxRosterMembers + 1));
  ck_assert_ptr_null(roster.find(limits::kMaxRosterMembers + 2));
  // Who goes makes room.
  tell(roster, Event::PARTICIPANT_LEFT, 2);
  tell(roster, Event::PARTICIPANT_JOINED, 1'000'000, "late");
  ck_assert_ptr_nonnull(roster.find(1'000'000));
}

VC_TEST(rubbish_changes_nothing) {
  Log log;
  Roster roster(log);
  roster.on_packet(*packet(PacketType::meeting, "\xff\xff\xff"));
  roster.on_packet(*packet(PacketType::member_state, "\xff\xff", 2));
  tell(roster, Event::PARTICIPANT_JOINED, 0, "nobody");
  tell(roster, Event::PARTICIPANT_DISPLAY_NAME_CHANGED, 5);
  ck_assert_uint_eq(roster.size(), 0);
  ck_assert_str_eq(log.text.c_str(), "");
}

VC_SUITE_MAIN("client/roster")
