// What Process is made of, for its own two files.
#pragma once

#include <map>
#include <memory>
#include <string_view>

#include "sim/process.h"

namespace forager::sim {

inline constexpr std::string_view salt_of_journal = "thirty-two bytes of a salt, all.";

std::unique_ptr<destination::Destination> destination_of(const PartyPlan& plan);

struct Process::Flight {
  exporter::AttemptId id = 0;
  Signal signal = Signal::traces;
  destination::Codec codec = destination::Codec::none;
  bool timed_out = false;
  bool probe = false;  ///< sent while parked
  Reply reply;
  const exporter::Attempt* attempt = nullptr;  ///< good until the delivery is told
};

struct Process::Party {
  Party(Seat& at, const Around& world, journal::Journal& journal, journal::Quarantine& bin)
      : seat(at),
        destination(destination_of(at.plan)),
        delivery(
            at.plan.delivery, *destination, journal, bin,
            [&chance = world.chance] { return chance.unit(); }, world.loop.now()) {}
  Seat& seat;
  std::unique_ptr<destination::Destination> destination;
  exporter::Delivery delivery;
  bool woken = false;
  std::uint64_t timer = 0;  ///< only the last one set counts
  bool loading = false;     ///< for next()
  int fruitless = 0;        ///< since then, at most a second long
  Time fruitless_since{};
  std::uint64_t last_ticket = 0;
  std::map<std::uint64_t, Flight> flights;
};

}  // namespace forager::sim
