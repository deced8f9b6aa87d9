// The exit codes of `forager`, all of them. Numbers from sysexits.h where it has a fitting one;
// docs/configuration.md lists them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace forager::config {

enum class ExitCode : std::uint8_t {
  ok = 0,
  failure = 1,
  usage = 64,
  network = 68,
  unavailable = 69,
  internal = 70,
  machine = 71,
  interrupted = 75,
  lost = 76,
  credentials = 77,
};

struct ExitMeaning {
  ExitCode code;
  std::string_view meaning;
};

inline constexpr std::array<ExitMeaning, 10> exit_meanings{{
    {ExitCode::ok, "Done; at the end of a run: everything that was accepted is accounted for."},
    {ExitCode::failure,
     "The answer is no: `healthcheck` found no healthy Forager, `doctor` found failures of several "
     "kinds, `journal verify` found damage, another command failed."},
    {ExitCode::usage, "A wrong command, flag or setting; every problem was printed."},
    {ExitCode::network, "`doctor`: a destination is not reached (name, connection, proxy, TLS)."},
    {ExitCode::unavailable, "A listener can't be bound: its address is taken or not ours."},
    {ExitCode::internal, "A bug in Forager; the log says where. Please report it."},
    {ExitCode::machine,
     "`doctor`: this machine or container is not fit (journal directory, memory, ports, files)."},
    {ExitCode::interrupted, "Stopped at once by a second signal, without draining."},
    {ExitCode::lost,
     "Stopped with items still in the memory journal: they are lost, the log counts "
     "them."},
    {ExitCode::credentials,
     "`doctor`: a destination refuses: key, token, permission, or what is off in its account."},
}};

}  // namespace forager::config
