// SPDX-License-Identifier: MIT
#include "libvideocall/quic/endpoint.h"

#include <map>
#include <mutex>

#include "libvideocall/quic/caller_endpoint.h"
#include "libvideocall/quic/listener_endpoint.h"

namespace videocall::quic {
namespace {

struct Registry {
  std::mutex mutex;  // guards endpoints
  std::map<std::string, std::weak_ptr<Endpoint>> endpoints;
};

// Never destroyed: streaming threads may outlive main's statics.
Registry& registry() {
  static auto* const instance = new Registry;
  return *instance;
}

}  // namespace

uint16_t next_endpoint_number() {
  static std::atomic<uint16_t> last{0};
  uint16_t number = 0;
  while (number == 0) number = ++last;  // after 65535 come small ones again
  return number;
}

Result<std::shared_ptr<Endpoint>> Endpoint::open(EndpointConfig config) {
  if (config.number == 0) config.number = next_endpoint_number();
  if (config.mode == EndpointConfig::Mode::listener)
    return ListenerEndpoint::open(std::move(config));
  return CallerEndpoint::open(std::move(config));
}

Result<std::shared_ptr<Endpoint>> EndpointRegistry::acquire(
    const std::string& name,
    const std::function<Result<std::shared_ptr<Endpoint>>()>& make) {
  Registry& all = registry();
  // Held while the endpoint is opened, so that two elements that start at once
  // get the same one.
  const std::lock_guard lock(all.mutex);
  auto& entry = all.endpoints[name];
  if (auto live = entry.lock()) return live;
  auto made = make();
  if (made)
    entry = *made;
  else
    all.endpoints.erase(name);
  return made;
}

std::shared_ptr<Endpoint> EndpointRegistry::find(const std::string& name) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.endpoints.find(name);
  if (found == all.endpoints.end()) return nullptr;
  auto live = found->second.lock();
  if (!live) all.endpoints.erase(found);
  return live;
}

}  // namespace videocall::quic
