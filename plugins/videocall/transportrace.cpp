// SPDX-License-Identifier: MIT
#include "plugins/videocall/transportrace.h"

#include <algorithm>

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

namespace videocall::gst {
namespace {

// Of the better transport; a network that blocks UDP does not say so.
constexpr auto kHeadStart = 250ms;

}  // namespace

struct TransportRace::Runner final : TransportVisitor {
  explicit Runner(TransportRace& r) : race(r) {}

  // On the transport's streaming thread.
  void on_packets(std::vector<PacketRef> packets) override {
    if (race.wins(*this)) race.visitor_.on_packets(std::move(packets));
  }
  void on_connected() override { connected = true; }
  void on_refused(int status, const std::string& why) override {
    refused = true;
    code = status;
    reason = why;
    race.on_over(*this, status != 0);
  }
  void on_disconnected(CloseCode close_code, const std::string& why) override {
    code = static_cast<int>(close_code);
    reason = why;
    race.on_over(*this, false);
  }
  void on_draining() override {
    if (race.winner_ == this) race.visitor_.on_draining();
  }
  // May end in the destruction of this.
  void tell() {
    if (refused)
      race.visitor_.on_refused(code, reason);
    else
      race.visitor_.on_disconnected(static_cast<CloseCode>(code), reason);
  }

  TransportRace& race;  // borrowed
  std::unique_ptr<Transport> transport;
  std::string kind;
  bool connected = false;
  bool over = false;
  // How it ended.
  bool refused = false;
  int code = 0;  // HTTP status or close code
  std::string reason;
};

TransportRace::TransportRace(TransportVisitor& visitor, GMainContext* context)
    : visitor_(visitor), context_(context) {}

std::unique_ptr<TransportRace> TransportRace::create(
    const std::vector<Transport::Options>& all, TransportVisitor& visitor,
    GMainContext* context) {
  std::unique_ptr<TransportRace> race(new TransportRace(visitor, context));
  for (const Transport::Options& options : all) {
    auto runner = std::make_unique<Runner>(*race);
    runner->kind = options.kind;
    runner->transport = Transport::create(options, *runner, context);
    if (!runner->transport) return nullptr;
    race->runners_.push_back(std::move(runner));
  }
  return race;
}

TransportRace::~TransportRace() {
  stop();
}

void TransportRace::disarm(GSource*& source) {
  if (!source) return;
  g_source_destroy(source);
  g_source_unref(source);
  source = nullptr;
}

void TransportRace::start() {
  start_next();
}

void TransportRace::stop(CloseCode code) {
  disarm(head_start_);
  for (const auto& runner : runners_) runner->transport->stop(code);
  // Streaming threads, which make it, have ended.
  disarm(finish_);
}

// Transports that were not stopped may still be pushed to.
void TransportRace::push(PacketRef packet) {
  if (Runner* winner = winner_) winner->transport->push(std::move(packet));
}

StructurePtr TransportRace::stats() const {
  const Runner* winner = winner_;
  return winner ? winner->transport->stats() : nullptr;
}

std::string TransportRace::kind() const {
  const Runner* winner = winner_;
  return winner ? winner->kind : "";
}

void TransportRace::start_next() {
  disarm(head_start_);
  if (winner_ || started_ == runners_.size()) return;
  Runner& runner = *runners_[started_++];
  GST_DEBUG("trying %s", runner.kind.c_str());
  runner.transport->start();
  if (started_ < runners_.size()) arm();
}

void TransportRace::arm() {
  head_start_ = g_timeout_source_new(static_cast<guint>(kHeadStart.count()));
  g_source_set_callback(
      head_start_,
      [](gpointer self) -> gboolean {
        static_cast<TransportRace*>(self)->start_next();
        return G_SOURCE_REMOVE;
      },
      this, nullptr);
  g_source_attach(head_start_, context_);
}

// The first packet, SESSION_ASSIGNED, decides: both may be up, but the token
// opens one session.
bool TransportRace::wins(Runner& runner) {
  Runner* none = nullptr;
  if (!winner_.compare_exchange_strong(none, &runner)) return none == &runner;
  GST_INFO("connected over %s", runner.kind.c_str());
  finish_ = g_idle_source_new();
  g_source_set_priority(finish_, G_PRIORITY_DEFAULT);
  g_source_set_callback(
      finish_,
      [](gpointer self) -> gboolean {
        static_cast<TransportRace*>(self)->drop_losers();
        return G_SOURCE_REMOVE;
      },
      this, nullptr);
  g_source_attach(finish_, context_);
  return true;
}

void TransportRace::drop_losers() {
  disarm(head_start_);
  for (const auto& runner : runners_)
    if (runner.get() != winner_) runner->transport->stop();
}

// |answered|: the server itself said no; it would say so again. Told last, for
// it may end in the destruction of this.
void TransportRace::on_over(Runner& runner, bool answered) {
  runner.over = true;
  if (winner_) {
    if (winner_ == &runner) runner.tell();
    return;
  }
  GST_INFO("no session over %s: %s", runner.kind.c_str(),
           runner.reason.c_str());
  // The token may be spent already, by the other one.
  const bool other_is_up = std::any_of(
      runners_.begin(), runners_.end(),
      [](const auto& other) { return !other->over && other->connected; });
  if (other_is_up) return;
  if (answered) {
    disarm(head_start_);
    runner.tell();
    return;
  }
  start_next();
  const auto lives = [](const auto& other) { return !other->over; };
  if (std::any_of(runners_.begin(), runners_.end(), lives)) return;
  runner.tell();
}

}  // namespace videocall::gst
