// power_guest: apps, destination and observer of the power-cut test, in the machine that loses its
// power. Every line it says goes to the host.
#include <cstdlib>
#include <string_view>

#include "power/load.h"
#include "power/sink.h"
#include "power/stream.h"

int main(int argc, char** argv) {
  const std::string_view what = argc > 2 ? argv[1] : "";
  const auto port = static_cast<std::uint16_t>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0);
  if (what == "sink" && argc == 4) return forager::power::run_sink(port, std::atoi(argv[3]));
  if (what == "watch" && argc == 5) return forager::power::watch_page(port, argv[3], argv[4]);
  if (what == "load" && argc == 5) {
    const auto boot = static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10));
    return forager::power::run_load(port, boot, std::atoi(argv[4]));
  }
  forager::power::say(
      "usage: power_guest sink PORT MS | watch PORT PATH WORD | load PORT BOOT CONNECTIONS");
  return 64;
}
