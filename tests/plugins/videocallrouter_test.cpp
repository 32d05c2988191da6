// SPDX-License-Identifier: MIT
#include <gst/gst.h>

#include <atomic>
#include <string>
#include <vector>

#include "libvideocall/wire/limits.h"
#include "libvideocall/wire/varint.h"
#include "tests/plugins/routerbench.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

std::string text_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// Packets that a tap gave, and the pad that takes them.
struct TapBench {
  GstPad* pad = gst_pad_new("tap_sink", GST_PAD_SINK);
  std::atomic<int> packets{0};
  GstFlowReturn flow = GST_FLOW_OK;

  explicit TapBench(GstPad* tap) {
    gst_object_ref_sink(pad);
    gst_pad_set_element_private(pad, this);
    gst_pad_set_chain_function(pad, &TapBench::on_buffer);
    gst_pad_set_active(pad, TRUE);
    ck_assert_int_eq(gst_pad_link(tap, pad), GST_PAD_LINK_OK);
  }
  ~TapBench() {
    gst_pad_set_active(pad, FALSE);
    gst_object_unref(pad);
  }
  static GstFlowReturn on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer) {
    auto* self = static_cast<TapBench*>(gst_pad_get_element_private(pad));
    ++self->packets;
    gst_buffer_unref(buffer);
    return self->flow;
  }
};

void count_signal(GstElement*, const char* token, GPtrArray* tokens) {
  g_ptr_array_add(tokens, g_strdup(token));
}

// The resume secret in a SESSION_ASSIGNED (field 4), as base64url.
std::string secret_of(const Packet& packet) {
  protobuf::Reader reader(packet.fields().data);
  protobuf::Field field;
  while (reader.next(field)) {
    if (field.number != 4) continue;
    gchar* base64 = g_base64_encode(field.bytes.data(), field.bytes.size());
    std::string text = g_strdelimit(g_strdelimit(base64, "+", '-'), "/", '_');
    g_free(base64);
    while (!text.empty() && text.back() == '=') text.pop_back();
    return text;
  }
  return {};
}

guint64 verify_resume(RouterBench& bench, const char* meeting, const char* user,
                      const std::string& secret) {
  guint64 session = 0;
  g_signal_emit_by_name(bench.router, "verify-resume", meeting, user,
                        secret.c_str(), &session);
  return session;
}

}  // namespace

VC_TEST(a_viewer_whose_link_is_full_is_sent_less) {
  RouterBench bench(1);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.join(0, kBert, "bert");
  LinkReport link;
  link.session = kBert;
  bench.report(0, link);
  g_usleep(120'000);  // a report is of an interval
  link.queued_bytes = 100'000;
  link.queued_for = 1s;
  link.bytes_sent = 1'000;
  bench.report(0, link);
  GstStructure* stats = nullptr;
  g_object_get(bench.router, "stats", &stats, nullptr);
  guint64 limited = 0;
  ck_assert(gst_structure_get_uint64(stats, "limited-viewers", &limited));
  ck_assert_uint_eq(limited, 1);
  gst_structure_free(stats);
  // Some 60 kbit/s are too few for a layer of which nothing is known yet.
  bench.take();
  bench.push(0, kAnna, camera_frame(1, true));
  ck_assert_uint_eq(sent_to(bench.take(), kBert).size(), 0);
}

VC_TEST(packets_come_out_with_their_recipients) {
  RouterBench bench(2);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.join(1, kBert, "bert");
  const auto greetings = bench.take();
  ck_assert(sent_to(greetings, kAnna).at(0).packet->fields().type ==
            PacketType::session_assigned);
  // What a packet causes leaves through the pad beside the one it came by.
  ck_assert_int_eq(sent_to(greetings, kAnna).at(0).pad, 0);
  ck_assert_int_eq(sent_to(greetings, kBert).at(0).pad, 1);

  ck_assert_int_eq(bench.push(0, kAnna, camera_frame(1, true)), GST_FLOW_OK);
  const auto media = bench.take();
  ck_assert_uint_eq(media.size(), 1);
  ck_assert_uint_eq(media[0].recipients->sessions.size(), 1);
  ck_assert(media[0].recipients->sessions[0] == kBert);
  ck_assert_str_eq(text_of(media[0].packet->fields().user_id).c_str(), "anna");
  ck_assert_uint_ne(media[0].packet->fields().session_id, 0);
}

VC_TEST(a_list_leaves_as_one_list) {
  RouterBench bench(1);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.join(0, kBert, "bert");
  bench.take();
  const int before = bench.lists();
  GstBufferList* list = gst_buffer_list_new();
  for (uint64_t i = 1; i <= 20; ++i) {
    auto packet = Packet::build(camera_frame(i, i == 1));
    gst_buffer_list_add(list, RouterBench::make_buffer(kAnna, *packet));
  }
  ck_assert_int_eq(gst_pad_push_list(bench.in(0), list), GST_FLOW_OK);
  ck_assert_int_eq(bench.lists(), before + 1);
  const auto media = bench.take();
  ck_assert_uint_eq(media.size(), 20);
  for (size_t i = 0; i < media.size(); ++i)
    ck_assert_uint_eq(media[i].packet->fields().header.sequence, i + 1);
}

VC_TEST(a_packet_that_others_hold_is_not_changed) {
  RouterBench bench(1);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.join(0, kBert, "bert");
  bench.take();
  auto packet = Packet::build(camera_frame(1, true));
  const PacketRef held = *packet;
  const size_t size = held->size();
  gst_pad_push(bench.in(0), RouterBench::make_buffer(kAnna, held));
  ck_assert_uint_eq(held->size(), size);
  ck_assert_uint_eq(held->fields().session_id, 0);
  ck_assert_uint_ne(bench.take().at(0).packet->fields().session_id, 0);
}

VC_TEST(what_is_of_no_session_is_dropped) {
  RouterBench bench(1);
  bench.start();
  ck_assert_int_eq(gst_pad_push(bench.in(0), gst_buffer_new()), GST_FLOW_OK);
  ck_assert_int_eq(bench.push(0, kAnna, camera_frame(1, true)), GST_FLOW_OK);
  ck_assert_uint_eq(bench.take().size(), 0);
}

VC_TEST(a_spent_token_is_told_before_the_session_is_assigned) {
  RouterBench bench(1);
  GPtrArray* tokens = g_ptr_array_new_with_free_func(g_free);
  g_signal_connect(bench.router, "token-spent", G_CALLBACK(count_signal),
                   tokens);
  bench.start();
  bench.open(0, kAnna, "anna", "demo", "token-1");
  bench.open(0, kBert, "anna", "demo", "token-1");
  ck_assert_uint_eq(tokens->len, 0);
  bench.push(0, kAnna, {.type = PacketType::connection});
  ck_assert_uint_eq(tokens->len, 1);
  ck_assert_str_eq(static_cast<char*>(tokens->pdata[0]), "token-1");
  const auto closes = bench.take_closes();
  ck_assert_uint_eq(closes.size(), 1);
  ck_assert(closes[0].session == kBert);
  ck_assert_uint_eq(closes[0].code, 6);
  g_ptr_array_unref(tokens);
}

VC_TEST(peers_are_posted_on_the_bus) {
  RouterBench bench(1);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.close(0, kAnna);
  guint64 joined_id = 0;
  for (const char* name : {"videocall-peer-joined", "videocall-peer-left"}) {
    GstMessage* message = gst_bus_pop_filtered(bench.bus, GST_MESSAGE_ELEMENT);
    ck_assert_ptr_nonnull(message);
    const GstStructure* fields = gst_message_get_structure(message);
    ck_assert(gst_structure_has_name(fields, name));
    ck_assert_str_eq(gst_structure_get_string(fields, "meeting"), "demo");
    ck_assert_str_eq(gst_structure_get_string(fields, "user-id"), "anna");
    guint64 id = 0;
    ck_assert(gst_structure_get_uint64(fields, "session-id", &id));
    if (joined_id != 0) {
      ck_assert_uint_eq(id, joined_id);
      ck_assert_str_eq(gst_structure_get_string(fields, "reason"), "left");
    }
    joined_id = id;
    gst_message_unref(message);
  }
}

VC_TEST(statistics_of_peers_are_posted) {
  RouterBench bench(1);
  g_object_set(bench.router, "stats-interval", 1u, nullptr);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.push(0, kAnna, camera_frame(1, true));
  // Of the one member, one packet: it was none yet when CONNECTION came.
  guint64 packets = 0;
  guint64 bytes = 0;
  while (packets < 1) {
    GstMessage* message = gst_bus_timed_pop_filtered(bench.bus, 5 * GST_SECOND,
                                                     GST_MESSAGE_ELEMENT);
    ck_assert_ptr_nonnull(message);
    if (gst_message_has_name(message, "videocall-peer-stats")) {
      const GstStructure* fields = gst_message_get_structure(message);
      ck_assert_str_eq(gst_structure_get_string(fields, "meeting"), "demo");
      const GValue* members = gst_structure_get_value(fields, "members");
      ck_assert_uint_eq(gst_value_list_get_size(members), 1);
      ck_assert(gst_structure_get(
          gst_value_get_structure(gst_value_list_get_value(members, 0)),
          "packets-received", G_TYPE_UINT64, &packets, "bytes-received",
          G_TYPE_UINT64, &bytes, nullptr));
    }
    gst_message_unref(message);
  }
  ck_assert_uint_eq(packets, 1);
  ck_assert_uint_gt(bytes, 0);
}

VC_TEST(members_are_listed_and_removed) {
  RouterBench bench(2);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.join(1, kBert, "bert");
  GstStructure* list = nullptr;
  g_signal_emit_by_name(bench.router, "list-members", "demo", &list);
  const GValue* members = gst_structure_get_value(list, "members");
  ck_assert_uint_eq(gst_value_list_get_size(members), 2);
  const GstStructure* second =
      gst_value_get_structure(gst_value_list_get_value(members, 1));
  ck_assert_str_eq(gst_structure_get_string(second, "user-id"), "bert");
  guint64 id = 0;
  ck_assert(gst_structure_get_uint64(second, "session-id", &id));
  gst_structure_free(list);

  // The timer's thread carries it out.
  g_signal_emit_by_name(bench.router, "remove-member", "demo", id, "noise");
  auto closes = bench.wait_closes(1);
  ck_assert_uint_eq(closes.size(), 1);
  ck_assert(closes[0].session == kBert);
  ck_assert_uint_eq(closes[0].code, 2);
  g_signal_emit_by_name(bench.router, "end-meeting", "demo");
  closes = bench.wait_closes(2);
  ck_assert_uint_eq(closes.size(), 2);
  ck_assert(closes[1].session == kAnna);
  ck_assert_uint_eq(closes[1].code, 1);
}

VC_TEST(a_secret_verifies_on_another_node_with_the_key) {
  const std::string key(64, '7');
  std::string secret;
  guint64 id = 0;
  {
    RouterBench bench(1);
    g_object_set(bench.router, "resume-key", key.c_str(), nullptr);
    bench.start();
    bench.join(0, kAnna, "anna");
    const PacketRef assigned = bench.take().at(0).packet;
    id = assigned->fields().session_id;
    secret = secret_of(*assigned);
    ck_assert_uint_eq(verify_resume(bench, "demo", "anna", secret), id);
    ck_assert_uint_eq(verify_resume(bench, "demo", "bert", secret), 0);
    ck_assert_uint_eq(verify_resume(bench, "demo", "anna", "no base64!"), 0);
  }
  RouterBench after_restart(1);
  g_object_set(after_restart.router, "resume-key", key.c_str(), nullptr);
  after_restart.start();
  ck_assert_uint_eq(verify_resume(after_restart, "demo", "anna", secret), id);
  RouterBench stranger(1);
  stranger.start();
  ck_assert_uint_eq(verify_resume(stranger, "demo", "anna", secret), 0);
}

VC_TEST(a_bad_resume_key_is_an_error) {
  RouterBench bench(1);
  g_object_set(bench.router, "resume-key", "abc", nullptr);
  ck_assert_int_eq(gst_element_set_state(bench.router, GST_STATE_PLAYING),
                   GST_STATE_CHANGE_FAILURE);
  GstMessage* message = gst_bus_pop_filtered(bench.bus, GST_MESSAGE_ERROR);
  ck_assert_ptr_nonnull(message);
  gst_message_unref(message);
}

VC_TEST(a_tap_gets_every_media_packet_and_may_fail) {
  RouterBench bench(2);
  bench.start();
  GstPad* tap = gst_element_request_pad_simple(bench.router, "tap_%u");
  ck_assert_str_eq(GST_OBJECT_NAME(tap), "tap_0");
  GstPad* unlinked = gst_element_request_pad_simple(bench.router, "tap_%u");
  ck_assert_str_eq(GST_OBJECT_NAME(unlinked), "tap_1");
  TapBench taken(tap);
  bench.join(0, kAnna, "anna");
  bench.join(1, kBert, "bert", "elsewhere");
  ck_assert_int_eq(bench.push(0, kAnna, camera_frame(1, true)), GST_FLOW_OK);
  ck_assert_int_eq(bench.push(1, kBert, camera_frame(1, true)), GST_FLOW_OK);
  ck_assert_int_eq(taken.packets, 2);  // of every room, also with one member
  // A newcomer is given the cached group; a tap has had it already.
  bench.join(1, {1, 1, 7, 1}, "carl");
  ck_assert_int_eq(taken.packets, 2);
  taken.flow = GST_FLOW_ERROR;
  ck_assert_int_eq(bench.push(0, kAnna, camera_frame(2, false)), GST_FLOW_OK);
  gst_element_release_request_pad(bench.router, tap);
  gst_object_unref(tap);
  ck_assert_int_eq(bench.push(0, kAnna, camera_frame(3, false)), GST_FLOW_OK);
  ck_assert_int_eq(taken.packets, 3);
  gst_element_release_request_pad(bench.router, unlinked);
  gst_object_unref(unlinked);
}

VC_TEST(no_more_speakers_may_be_set_than_can_be_heard) {
  RouterBench bench(1);
  GParamSpec* spec = g_object_class_find_property(
      G_OBJECT_GET_CLASS(bench.router), "max-speakers");
  ck_assert_ptr_nonnull(spec);
  const auto is_corrected = [&](guint speakers) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_UINT);
    g_value_set_uint(&value, speakers);
    return g_param_value_validate(spec, &value) != FALSE;
  };
  ck_assert(!is_corrected(limits::kMaxLoudestSpeakers));
  ck_assert(is_corrected(limits::kMaxLoudestSpeakers + 1));
}

VC_TEST(pads_are_numbered_and_paired) {
  GstElement* router = gst_element_factory_make("videocallrouter", nullptr);
  gst_object_ref_sink(router);
  GstPad* seventh = gst_element_request_pad_simple(router, "sink_7");
  GstPad* first = gst_element_request_pad_simple(router, "sink_%u");
  ck_assert_str_eq(GST_OBJECT_NAME(first), "sink_0");
  GstPad* src = gst_element_get_static_pad(router, "src_7");
  ck_assert_ptr_nonnull(src);
  GstIterator* links = gst_pad_iterate_internal_links(seventh);
  GValue value = G_VALUE_INIT;
  ck_assert_int_eq(gst_iterator_next(links, &value), GST_ITERATOR_OK);
  ck_assert_ptr_eq(g_value_get_object(&value), src);
  g_value_unset(&value);
  gst_iterator_free(links);
  gst_object_unref(src);
  gst_element_release_request_pad(router, seventh);
  gst_object_unref(seventh);
  ck_assert_ptr_null(gst_element_get_static_pad(router, "src_7"));
  gst_element_release_request_pad(router, first);
  gst_object_unref(first);
  gst_object_unref(router);
}

VC_TEST(it_answers_for_latency_and_statistics) {
  RouterBench bench(1);
  bench.start();
  bench.join(0, kAnna, "anna");
  GstPad* src = gst_element_get_static_pad(bench.router, "src_0");
  GstQuery* query = gst_query_new_latency();
  ck_assert(gst_pad_query(src, query));
  gboolean live = FALSE;
  GstClockTime min = 1;
  gst_query_parse_latency(query, &live, &min, nullptr);
  ck_assert(live && min == 0);
  gst_query_unref(query);
  gst_object_unref(src);
  GstStructure* stats = nullptr;
  g_object_get(bench.router, "stats", &stats, nullptr);
  guint64 members = 0;
  ck_assert(gst_structure_get_uint64(stats, "members", &members));
  ck_assert_uint_eq(members, 1);
  gst_structure_free(stats);
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  return run_suite("videocallrouter");
}
