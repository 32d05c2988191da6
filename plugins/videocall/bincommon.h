// SPDX-License-Identifier: MIT
// What videocallsink and videocallsrc have in common: properties, the URI, and
// what they say on the bus (docs/element-contract.md).
#pragma once

#include <gst/gst.h>

#include <string>

#include "plugins/videocall/gstvideocallconnection.h"

namespace videocall::gst {

enum BinProperty : guint {
  kPropLocation = 1,
  kPropMeeting,
  kPropUser,
  kPropDisplayName,
  kPropInsecureSkipVerify,
  kPropKeylogFile,
  kPropCongestionControl,
  kPropConnection,
  kPropTransport,
  kPropStats,
  kOwnBinProperties,
};

struct BinSettings {
  std::string location;
  std::string meeting;
  std::string user;
  std::string display_name;
  bool insecure_skip_verify = false;
  std::string keylog_file;
  quic::CongestionControl congestion_control = quic::kDefaultCongestionControl;
  std::string connection;
  std::string transport;  // empty: any

  // False if |id| is none of these.
  bool set(guint id, const GValue* value);
  bool get(guint id, GValue* value) const;
  std::string uri() const;
  // False: |why| says what is wrong.
  bool set_uri(const std::string& uri, std::string& why);
  Connection::Settings to_connection() const;
};

void init_bins_debug();
void install_bin_properties(GObjectClass* object_class);

// The connection that |settings| name; posts an error of |element| if there is
// none to be had.
std::shared_ptr<Connection> acquire_connection(GstElement* element,
                                               const BinSettings& settings,
                                               bool wants_video);

void post_state(GstElement* element, const client::StateChange& change);
void post_peer_joined(GstElement* element, const client::Member& member);
void post_peer_left(GstElement* element, const client::Member& member,
                    const std::string& reason);
// An error message for a session that is over for good, if it is one; true if
// it ended in good order.
bool post_end(GstElement* element, const client::StateChange& change);

}  // namespace videocall::gst
