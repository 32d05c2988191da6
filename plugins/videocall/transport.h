// SPDX-License-Identifier: MIT
// One connection to a server: the source and sink of a transport in a
// pipeline of their own, so that they can come and go while the pipeline of the
// bins runs on. Made and destroyed on one thread; push() from any.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libvideocall/client/client_session.h"
#include "libvideocall/quic/congestion_control.h"
#include "plugins/common/gstptr.h"

namespace videocall::gst {

// What a transport tells. on_packets comes on a streaming thread, the others
// on the main context that the transport was given.
class TransportVisitor {
 public:
  virtual ~TransportVisitor() = default;
  virtual void on_packets(std::vector<PacketRef> packets) = 0;
  virtual void on_connected() {}
  virtual void on_refused(int status, const std::string& reason) = 0;
  virtual void on_disconnected(CloseCode code, const std::string& reason) = 0;
  virtual void on_draining() = 0;
};

class Transport {
 public:
  struct Options {
    std::string kind;  // "webtransport", "websocket": the elements' names
    std::string url;   // with the token: never logged
    std::vector<std::string> certificate_hashes;
    bool insecure_skip_verify = false;
    std::string keylog_file;
    quic::CongestionControl congestion_control =
        quic::kDefaultCongestionControl;
    std::string client_name;
  };

  // |visitor| is borrowed; |context| is that of the calling thread. nullptr if
  // the elements are missing.
  static std::unique_ptr<Transport> create(const Options& options,
                                           TransportVisitor& visitor,
                                           GMainContext* context);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Calls the server; a failure is told to the visitor.
  void start();
  // Leaves with |code| if the session is still up. No call is made to the
  // visitor from then on. Waits for the streaming thread.
  void stop(CloseCode code = CloseCode::left);
  // Hands |packet| to the send scheduler; never blocks.
  void push(PacketRef packet);
  // Of the sink; nullptr if there is none yet.
  StructurePtr stats() const;

 private:
  Transport(TransportVisitor& visitor) : visitor_(visitor) {}
  bool build(const Options& options);
  void watch_bus(GMainContext* context);
  void on_message(GstMessage* message);

  TransportVisitor& visitor_;
  ObjectPtr<GstElement> pipeline_;
  GstElement* source_ = nullptr;  // borrowed (owned by the pipeline)
  GstElement* sink_ = nullptr;    // borrowed (owned by the pipeline)
  GSource* watch_ = nullptr;      // owned
  ObjectPtr<GstPad> in_;          // linked to the source
  ObjectPtr<GstPad> out_;         // linked to the sink
  ObjectPtr<GstPad> sink_pad_;
  bool over_ = false;  // refused or disconnected was told
};

}  // namespace videocall::gst
