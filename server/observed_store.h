// SPDX-License-Identifier: MIT
// A store that notes how another one does: what is called, how long it takes,
// whether it works now.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>

#include "libvideocall/base/counter.h"
#include "server/meeting_store.h"
#include "server/metrics_text.h"

namespace videocall::server {

class ObservedStore : public MeetingStore {
 public:
  // A call that takes longer counts as a failure of the store while it lasts.
  static constexpr Duration kHung = 5s;

  explicit ObservedStore(std::unique_ptr<MeetingStore> store)
      : store_(std::move(store)) {}

  Result<Opened> open(const Meeting& wanted) override;
  Result<Meeting> find(const std::string& id) override;
  Result<void> check() override;

  // Whether the last call worked and none hangs. Any thread; does not block.
  bool up(Time now) const;
  // Any thread; does not block.
  void add_metrics(MetricsText& out, Time now) const;

 private:
  enum Operation : size_t { kOpen, kFind, kCheck, kOperations };
  struct Counted {
    uint64_t done = 0;
    uint64_t failed = 0;
    size_t running = 0;
    Time since{};  // the oldest that runs; meaningless while none does
    DurationHistogram took;
  };
  template <typename Call>
  auto observe(Operation operation, Call call);

  const std::unique_ptr<MeetingStore> store_;
  mutable std::mutex mutex_;  // guards all below; never held over a call
  std::array<Counted, kOperations> counted_;
  bool worked_ = true;
};

}  // namespace videocall::server
