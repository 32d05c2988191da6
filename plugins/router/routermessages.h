// SPDX-License-Identifier: MIT
// Between what elements tell each other (docs/element-contract.md) and what
// rooms understand.
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/room/hub.h"
#include "libvideocall/wire/delivery.h"

#define GST_VIDEOCALL_EVENT_SESSION_OPENED "videocall-session-opened"
#define GST_VIDEOCALL_EVENT_SESSION_CLOSED "videocall-session-closed"
#define GST_VIDEOCALL_EVENT_FEEDBACK "videocall-feedback"
#define GST_VIDEOCALL_EVENT_NATS_LINK "videocall-nats-link"
#define GST_VIDEOCALL_EVENT_NATS_SUBSCRIBE "videocall-nats-subscribe"
#define GST_VIDEOCALL_EVENT_CLOSE_SESSION "videocall-close-session"

// nullopt if a field is missing or out of its range.
std::optional<videocall::SessionHandle> gst_videocall_structure_get_session(
    const GstStructure* structure);
std::optional<videocall::room::Grant> gst_videocall_structure_get_grant(
    const GstStructure* session_opened);

// The reports of a videocall-feedback event.
std::vector<videocall::LinkReport> gst_videocall_structure_get_reports(
    const GstStructure* feedback);

// A videocall-close-session event.
GstEvent* gst_videocall_close_session_event(
    const videocall::CloseCommand& command);
// A videocall-nats-subscribe event.
GstEvent* gst_videocall_nats_subscribe_event(
    const videocall::room::Subscription& subscription);
// What node-info says; the rest is left as it is.
videocall::cluster::Heartbeat gst_videocall_structure_get_node(
    const GstStructure* info);
GstStructure* gst_videocall_nodes_structure(
    const std::vector<videocall::cluster::Heartbeat>& nodes);
// videocall-peer-joined or -left of |element|.
GstMessage* gst_videocall_peer_message(GstElement* element,
                                       const videocall::room::Notice& notice);
// videocall-peer-stats of |element|.
GstMessage* gst_videocall_stats_message(
    GstElement* element, const std::string& meeting,
    const std::vector<videocall::room::MemberInfo>& members);
GstStructure* gst_videocall_members_structure(
    const std::vector<videocall::room::MemberInfo>& members);

// The bytes of base64url without padding (RFC 4648, section 5); empty if it is
// none.
std::string gst_videocall_decode_base64url(std::string_view text);
