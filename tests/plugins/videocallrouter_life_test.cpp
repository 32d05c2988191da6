// SPDX-License-Identifier: MIT
// Streams, flushes, ends, restarts, and several shards at once.
#include <gst/gst.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/plugins/routerbench.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

VC_TEST(each_src_pad_starts_its_own_stream_once) {
  RouterBench bench(2);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.join(1, kBert, "bert");
  for (int i = 0; i < 3; ++i) RouterBench::start_stream(bench.in(0));
  bench.push(0, kAnna, camera_frame(1, true));
  for (int pad = 0; pad < 2; ++pad) {
    ck_assert_int_eq(bench.count_events(pad, GST_EVENT_STREAM_START), 1);
    ck_assert_int_eq(bench.count_events(pad, GST_EVENT_CAPS), 1);
    ck_assert_int_eq(bench.count_events(pad, GST_EVENT_SEGMENT), 1);
  }
}

VC_TEST(a_flush_of_one_shard_concerns_nobody) {
  RouterBench bench(2);
  bench.start();
  bench.join(0, kAnna, "anna");
  bench.join(1, kBert, "bert");
  bench.take();
  gst_pad_push_event(bench.in(0), gst_event_new_flush_start());
  ck_assert_int_eq(bench.push(0, kAnna, camera_frame(1, true)),
                   GST_FLOW_FLUSHING);
  ck_assert_int_eq(bench.push(1, kBert, camera_frame(1, true)), GST_FLOW_OK);
  ck_assert_uint_eq(sent_to(bench.take(), kAnna).size(), 1);
  gst_pad_push_event(bench.in(0), gst_event_new_flush_stop(TRUE));
  RouterBench::start_stream(bench.in(0));
  ck_assert_int_eq(bench.push(0, kAnna, camera_frame(2, true)), GST_FLOW_OK);
  ck_assert_uint_eq(sent_to(bench.take(), kBert).size(), 1);
  for (int pad = 0; pad < 2; ++pad) {
    ck_assert_int_eq(bench.count_events(pad, GST_EVENT_FLUSH_START), 0);
    ck_assert_int_eq(bench.count_events(pad, GST_EVENT_FLUSH_STOP), 0);
  }
}

VC_TEST(the_streams_end_when_every_shard_has_ended) {
  RouterBench bench(2);
  bench.start();
  gst_pad_push_event(bench.in(0), gst_event_new_eos());
  ck_assert_int_eq(bench.count_events(0, GST_EVENT_EOS), 0);
  bench.join(1, kBert, "bert");
  ck_assert_uint_gt(bench.take().size(), 0);
  gst_pad_push_event(bench.in(1), gst_event_new_eos());
  ck_assert_int_eq(bench.count_events(0, GST_EVENT_EOS), 1);
  ck_assert_int_eq(bench.count_events(1, GST_EVENT_EOS), 1);
}

VC_TEST(it_starts_and_stops_again_and_again) {
  RouterBench bench(2);
  for (uint32_t i = 0; i < 50; ++i) {
    bench.start();
    bench.join(0, {1, 0, i, 1}, "anna");
    bench.join(1, {1, 1, i, 1}, "bert");
    bench.push(0, {1, 0, i, 1}, camera_frame(1, true));
    const auto received = bench.take();
    // Nobody of the last time is there any more.
    ck_assert_uint_eq(sent_to(received, {1, 0, i, 1}).size(), 3);
    bench.stop();
    ck_assert_int_eq(bench.push(0, {1, 0, i, 1}, camera_frame(2, false)),
                     GST_FLOW_FLUSHING);
  }
}

VC_TEST(it_stops_while_shards_stream) {
  constexpr int kShards = 3;
  for (int round = 0; round < 10; ++round) {
    RouterBench bench(kShards);
    bench.start();
    std::vector<std::thread> threads;
    std::atomic<int> streaming{0};
    for (int shard = 0; shard < kShards; ++shard) {
      threads.emplace_back([&, shard] {
        const SessionHandle me{1, static_cast<uint16_t>(shard),
                               static_cast<uint32_t>(shard), 1};
        bench.join(shard, me, "u" + std::to_string(shard));
        ++streaming;
        uint64_t sequence = 1;
        while (bench.push(shard, me, camera_frame(sequence, sequence == 1)) ==
               GST_FLOW_OK)
          ++sequence;
      });
    }
    while (streaming < kShards) std::this_thread::yield();
    gst_element_set_state(bench.router, GST_STATE_NULL);
    for (std::thread& thread : threads) thread.join();
  }
}

VC_TEST(shards_stream_at_once_and_lose_nothing) {
  constexpr int kShards = 4;
  constexpr uint64_t kFrames = 500;
  RouterBench bench(kShards);
  bench.start();
  const auto handle = [](int shard) {
    return SessionHandle{1, static_cast<uint16_t>(shard),
                         static_cast<uint32_t>(shard), 1};
  };
  for (int shard = 0; shard < kShards; ++shard)
    bench.join(shard, handle(shard), "u" + std::to_string(shard));
  bench.take();
  std::vector<std::thread> threads;
  for (int shard = 0; shard < kShards; ++shard) {
    threads.emplace_back([&, shard] {
      for (uint64_t i = 1; i <= kFrames; ++i)
        bench.push(shard, handle(shard),
                   camera_frame(i, i % 30 == 1, (i - 1) / 30 + 1));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto received = bench.take();
  for (int shard = 0; shard < kShards; ++shard) {
    std::map<uint64_t, uint64_t> last;  // sequence of each sender
    size_t media = 0;
    for (const Received& one : sent_to(received, handle(shard))) {
      const PacketFields& fields = one.packet->fields();
      if (fields.type != PacketType::media) continue;
      ck_assert_uint_eq(fields.header.sequence, ++last[fields.session_id]);
      ++media;
    }
    ck_assert_uint_eq(media, (kShards - 1) * kFrames);
  }
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  return run_suite("videocallrouter_life");
}
