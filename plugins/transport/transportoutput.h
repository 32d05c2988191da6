// SPDX-License-Identifier: MIT
// What a source hears from its shard in one turn of the loop, in order, and how
// it goes downstream: packets as buffer lists, sessions as events between them.
#pragma once

#include <gst/gst.h>

#include <vector>

#include "plugins/transport/transportsettings.h"

namespace videocall::transport {

// Emits "session-request" of |source|, in the calling thread.
void emit_session_request(GstElement* source, guint shard,
                          const quic::SessionRequest& request);

class Output final : public quic::ShardVisitor {
 public:
  // Both borrowed. |pad| is the source pad; all on its streaming thread.
  Output(GstElement* element, GstPad* pad) : element_(element), pad_(pad) {}
  ~Output() override;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  void set_caller(bool caller) { caller_ = caller; }
  // Caller: the session has ended or will never be.
  bool ended() const { return ended_; }
  // Drops what was not pushed, for a new start.
  void reset();

  void on_session_request(const quic::SessionRequest& request) override;
  void on_session_opened(const quic::SessionOpened& opened, Time now) override;
  void on_packet(SessionHandle session, PacketRef packet, Time now) override;
  void on_session_closed(SessionHandle session, CloseCode code,
                         std::string_view reason, bool by_peer,
                         Time now) override;
  void on_draining(SessionHandle session) override;
  void on_link_reports(std::span<const LinkReport> reports, Time now) override;
  void on_refused(int status, std::string_view reason) override;
  // Pushes what was collected. Whatever downstream answers, the loop goes on:
  // its connections must be served.
  void on_batch_end(Time now) override;

 private:
  void add_event(GstStructure* structure);
  void close_list();

  GstElement* const element_;
  GstPad* const pad_;
  bool caller_ = false;
  bool ended_ = false;
  std::vector<GstMiniObject*> items_;  // owned: events and buffer lists
  GstBufferList* list_ = nullptr;      // owned, being filled
  GstFlowReturn last_flow_ = GST_FLOW_OK;
};

}  // namespace videocall::transport
