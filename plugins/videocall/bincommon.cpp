// SPDX-License-Identifier: MIT
#include "plugins/videocall/bincommon.h"

#include "plugins/transport/congestioncontrol.h"
#include "plugins/videocall/meetinguri.h"

GST_DEBUG_CATEGORY(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

namespace videocall::gst {
namespace {

constexpr char kAnyTransport[] = "auto";
constexpr char kDefaultLocation[] = "http://localhost:8080";

std::string text_of(const GValue* value) {
  const gchar* text = g_value_get_string(value);
  return text ? text : "";
}

void set_text(GValue* value, const std::string& text) {
  g_value_set_string(value, text.empty() ? nullptr : text.c_str());
}

bool is_transport(const std::string& name) {
  return name.empty() || name == "webtransport" || name == "websocket";
}

void post(GstElement* element, GstStructure* structure) {
  gst_element_post_message(
      element, gst_message_new_element(GST_OBJECT(element), structure));
}

GstStructure* peer_structure(const char* name, const client::Member& member) {
  return gst_structure_new(name, "session-id", G_TYPE_UINT64,
                           guint64{member.session_id}, "user-id", G_TYPE_STRING,
                           member.user_id.c_str(), "display-name",
                           G_TYPE_STRING, member.display_name.c_str(), "role",
                           G_TYPE_UINT, guint{member.role}, nullptr);
}

}  // namespace

bool BinSettings::set(guint id, const GValue* value) {
  switch (id) {
    case kPropLocation:
      location = text_of(value);
      return true;
    case kPropMeeting:
      meeting = text_of(value);
      return true;
    case kPropUser:
      user = text_of(value);
      return true;
    case kPropDisplayName:
      display_name = text_of(value);
      return true;
    case kPropInsecureSkipVerify:
      insecure_skip_verify = g_value_get_boolean(value);
      return true;
    case kPropKeylogFile:
      keylog_file = text_of(value);
      return true;
    case kPropCongestionControl:
      congestion_control = transport::get_congestion_control(value);
      return true;
    case kPropConnection:
      connection = text_of(value);
      return true;
    case kPropTransport:
      transport = text_of(value);
      if (transport == kAnyTransport) transport.clear();
      return true;
    default:
      return false;
  }
}

bool BinSettings::get(guint id, GValue* value) const {
  switch (id) {
    case kPropLocation:
      set_text(value, location.empty() ? kDefaultLocation : location);
      return true;
    case kPropMeeting:
      set_text(value, meeting);
      return true;
    case kPropUser:
      set_text(value, user);
      return true;
    case kPropDisplayName:
      set_text(value, display_name);
      return true;
    case kPropInsecureSkipVerify:
      g_value_set_boolean(value, insecure_skip_verify);
      return true;
    case kPropKeylogFile:
      set_text(value, keylog_file);
      return true;
    case kPropCongestionControl:
      transport::set_congestion_control(value, congestion_control);
      return true;
    case kPropConnection:
      set_text(value, connection);
      return true;
    case kPropTransport:
      set_text(value, transport.empty() ? kAnyTransport : transport);
      return true;
    default:
      return false;
  }
}

std::string BinSettings::uri() const {
  return format_meeting_uri({location.empty() ? kDefaultLocation : location,
                             meeting, user, display_name});
}

bool BinSettings::set_uri(const std::string& uri, std::string& why) {
  const auto parts = parse_meeting_uri(uri, why);
  if (!parts) return false;
  location = parts->location;
  meeting = parts->meeting;
  user = parts->user;
  display_name = parts->display_name;
  return true;
}

Connection::Settings BinSettings::to_connection() const {
  return {location.empty() ? kDefaultLocation : location,
          meeting,
          user,
          display_name,
          insecure_skip_verify,
          keylog_file,
          congestion_control,
          transport};
}

void init_bins_debug() {
  GST_DEBUG_CATEGORY_INIT(gst_videocall_bins_debug, "videocallbins", 0,
                          "videocallsink and videocallsrc");
}

void install_bin_properties(GObjectClass* object_class) {
  constexpr auto kFlags = static_cast<GParamFlags>(
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const auto add_text = [&](guint id, const char* name, const char* nick,
                            const char* blurb, const char* value) {
    g_object_class_install_property(
        object_class, id,
        g_param_spec_string(name, nick, blurb, value, kFlags));
  };
  add_text(kPropLocation, "location", "Location",
           "The server's address, http://HOST:PORT or https://HOST:PORT",
           kDefaultLocation);
  add_text(
      kPropMeeting, "meeting", "Meeting",
      "Which meeting to join (required): 1 to 255 letters, digits, - and _",
      nullptr);
  add_text(
      kPropUser, "user", "User",
      "User id to join as, at most 64 bytes (unset: the server chooses one)",
      nullptr);
  add_text(kPropDisplayName, "display-name", "Display name",
           "Name that others see, at most 128 bytes (unset: the user id)",
           nullptr);
  g_object_class_install_property(
      object_class, kPropInsecureSkipVerify,
      g_param_spec_boolean("insecure-skip-verify", "Skip verification",
                           "Accept any certificate; for tests only", FALSE,
                           kFlags));
  add_text(kPropKeylogFile, "keylog-file", "Key log file",
           "Append TLS secrets in NSS format to this file, to decrypt captures "
           "(unset: none)",
           nullptr);
  g_object_class_install_property(object_class, kPropCongestionControl,
                                  transport::congestion_control_spec());
  add_text(kPropConnection, "connection", "Connection",
           "Elements that name the same connection are one session of the "
           "meeting (unset: a session of its own)",
           nullptr);
  add_text(kPropTransport, "transport", "Transport",
           "webtransport or websocket alone, or auto: WebTransport with a head "
           "start of 250 ms, then whichever is up first",
           kAnyTransport);
  g_object_class_install_property(
      object_class, kPropStats,
      g_param_spec_boxed(
          "stats", "Statistics",
          "State, round trip time, loss and counters of the connection",
          GST_TYPE_STRUCTURE,
          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

std::shared_ptr<Connection> acquire_connection(GstElement* element,
                                               const BinSettings& settings,
                                               bool wants_video) {
  if (settings.meeting.empty()) {
    GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS,
                      ("No meeting to join: set the property meeting."),
                      (nullptr));
    return nullptr;
  }
  if (!is_transport(settings.transport)) {
    GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS,
                      ("There is no transport \"%s\": auto, webtransport and "
                       "websocket are known.",
                       settings.transport.c_str()),
                      (nullptr));
    return nullptr;
  }
  auto connection = Connection::acquire(settings.connection,
                                        settings.to_connection(), wants_video);
  if (connection) return *connection;
  GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS,
                    ("%s.", connection.error().message.c_str()), (nullptr));
  return nullptr;
}

void post_state(GstElement* element, const client::StateChange& change) {
  post(element, gst_structure_new("videocall-state", "state", G_TYPE_STRING,
                                  client::to_string(change.state), "attempt",
                                  G_TYPE_UINT, guint{change.attempt}, "reason",
                                  G_TYPE_STRING, change.reason.c_str(), "code",
                                  G_TYPE_STRING, change.code.c_str(), nullptr));
}

void post_peer_joined(GstElement* element, const client::Member& member) {
  post(element, peer_structure("videocall-peer-joined", member));
}

void post_peer_left(GstElement* element, const client::Member& member,
                    const std::string& reason) {
  GstStructure* structure = peer_structure("videocall-peer-left", member);
  gst_structure_set(structure, "reason", G_TYPE_STRING, reason.c_str(),
                    nullptr);
  post(element, structure);
}

bool post_end(GstElement* element, const client::StateChange& change) {
  const char* reason = change.reason.c_str();
  if (change.state == client::State::refused) {
    if (change.code == "unreachable" || change.code == "timeout")
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("%s", reason),
                        ("%s", change.code.c_str()));
    else
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_AUTHORIZED, ("%s", reason),
                        ("%s", change.code.c_str()));
    return false;
  }
  if (change.code == to_string(CloseCode::removed) ||
      change.code == to_string(CloseCode::protocol_error)) {
    GST_ELEMENT_ERROR(
        element, RESOURCE, FAILED,
        ("The server ended the session (%s): %s", change.code.c_str(), reason),
        (nullptr));
    return false;
  }
  return true;
}

}  // namespace videocall::gst
