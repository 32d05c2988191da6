// SPDX-License-Identifier: MIT
#include "libvideocall/quic/connection_packet.h"

#include "proto/session.pb.h"

namespace videocall::quic {

PacketRef make_connection_packet(const std::string& client_name) {
  proto::ConnectionPacket message;
  message.set_client(client_name);
  const std::string data = message.SerializeAsString();
  PacketFields fields;
  fields.type = PacketType::connection;
  fields.data = {reinterpret_cast<const uint8_t*>(data.data()), data.size()};
  auto packet = Packet::build(fields);
  return packet ? std::move(*packet) : PacketRef();
}

}  // namespace videocall::quic
