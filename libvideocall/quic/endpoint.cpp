// SPDX-License-Identifier: MIT
#include "libvideocall/quic/endpoint.h"

#include <map>
#include <mutex>

#include "libvideocall/quic/caller_endpoint.h"
#include "libvideocall/quic/listener_endpoint.h"

namespace videocall::quic {
namespace {

struct Entry {
  std::mutex opening;                // held while the endpoint is opened
  std::weak_ptr<Endpoint> endpoint;  // guarded by Registry::mutex
};

struct Registry {
  std::mutex mutex;  // guards entries; never held while one is opened
  std::map<std::string, std::shared_ptr<Entry>> entries;

  // |mutex| is held. Forgets those that nobody has or opens any more.
  void tidy() {
    std::erase_if(entries, [](const auto& item) {
      return item.second.use_count() == 1 && item.second->endpoint.expired();
    });
  }
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
  std::shared_ptr<Entry> entry;
  {
    const std::lock_guard lock(all.mutex);
    all.tidy();
    auto& found = all.entries[name];
    if (!found) found = std::make_shared<Entry>();
    entry = found;
  }
  // Two elements that start at once get the same one; elements with other
  // names do not wait for a slow name server.
  const std::lock_guard opening(entry->opening);
  {
    const std::lock_guard lock(all.mutex);
    if (auto live = entry->endpoint.lock()) return live;
  }
  auto made = make();
  if (made) {
    const std::lock_guard lock(all.mutex);
    entry->endpoint = *made;
  }
  return made;
}

std::shared_ptr<Endpoint> EndpointRegistry::find(const std::string& name) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.entries.find(name);
  return found == all.entries.end() ? nullptr : found->second->endpoint.lock();
}

}  // namespace videocall::quic
