// Asks around for what the environment doesn't say: the region, and the resource attributes of the
// task and the instance. For start-up, doctor and enrichment.
#pragma once

#include <string>

#include "aws/environment.h"
#include "aws/fetcher.h"
#include "aws/metadata.h"
#include "aws/region.h"
#include "aws/sources.h"

namespace forager::aws {

/// Environment and profile, then the ECS task's metadata, then the instance. `ask_instance`: also
/// where the machine's vendor isn't Amazon. A Fault says what to set.
asio::awaitable<Result<Region>> find_region(Fetcher& net, Environment with, ReadFile read,
                                            bool ask_instance, Patience patience = {});

/// The same from where no loop runs yet: waits, for `limit` at most. Only ECS and EC2 are asked,
/// and only where there is a sign of them; elsewhere it returns at once.
Result<Region> find_region_now(const Environment& with, const ReadFile& read,
                               Duration limit = std::chrono::seconds(3));

struct Place {
  Detected found;                  ///< empty: neither ECS nor EC2
  std::string region;              ///< as they say it
  std::vector<std::string> notes;  ///< what was asked in vain, for the log
};
/// ECS where its variable is set, EC2 where /sys/class/dmi/id/sys_vendor says Amazon EC2 or
/// `ask_instance` does, both merged. Never fails, takes a few seconds at most: forwarding doesn't
/// wait for it.
asio::awaitable<Place> find_place(Fetcher& net, Environment with, ReadFile read,
                                  std::string app_container, bool ask_instance,
                                  Patience patience = {});

}  // namespace forager::aws
