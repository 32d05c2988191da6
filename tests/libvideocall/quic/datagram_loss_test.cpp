// SPDX-License-Identifier: MIT
// Sound alone over a link that fails for a while: all that is on its way is
// lost, and nothing of it is ever sent again. On a fake clock.
#include <random>

#include "libvideocall/quic/congestion_control.h"
#include "tests/libvideocall/quic/quic_pair.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

namespace {

// Sound to a viewer, so much every 20 ms.
class Listening {
 public:
  Listening(CongestionControl congestion_control, size_t bytes)
      : pair_(congestion_control, 40ms), bytes_(bytes) {
    ck_assert(pair_.open());
    pair_.sim.tamper = [this](bool, std::vector<uint8_t>&) {
      return std::uniform_real_distribution<double>(0, 1)(random_) >= loss_;
    };
  }

  // Packets that came in so long, of those that were sent in it.
  size_t listen(Duration duration, double loss) {
    loss_ = loss;
    pair_.client_visitor.packets.clear();
    const Time end = pair_.sim.now + duration;
    for (Time at = pair_.sim.now; at < end; at += 20ms) {
      for (size_t left = bytes_; left > 0; left -= std::min(left, kSound))
        pair_.server().send(media({.kind = MediaKind::audio,
                                   .sequence = ++sequence_,
                                   .keyframe = true,
                                   .size = kSound}),
                            pair_.sim.now);
      pair_.run_until(at + 20ms);
    }
    return pair_.client_visitor.packets.size();
  }

 private:
  static constexpr size_t kSound = 200;
  QuicPair pair_;
  const size_t bytes_;
  uint64_t sequence_ = 0;
  double loss_ = 0;
  std::mt19937 random_{1};
};

}  // namespace

// ngtcp2 0.12 has no timer for packets of datagrams alone, so a window of them
// that is lost as a whole must not be the end.
VC_TEST(sound_comes_again_after_all_of_it_was_lost) {
  for (const auto control :
       {CongestionControl::cubic, CongestionControl::bbr}) {
    for (const size_t bytes : {200, 1'600, 4'000}) {
      Listening link(control, bytes);
      const size_t before = link.listen(2s, 0);
      ck_assert_uint_gt(before, 0);
      for (const double loss : {0., 0.1, 0.3, 0.5}) {
        // The window becomes small first, then what fills it is lost.
        link.listen(1s, loss);
        link.listen(1s, 1);
        link.listen(3s, 0);
        ck_assert_uint_ge(link.listen(2s, 0), before * 9 / 10);
      }
    }
  }
}

VC_SUITE_MAIN("quic/datagram_loss")
