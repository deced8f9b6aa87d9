#include "power/sink.h"

#include <chrono>
#include <string>
#include <sys/socket.h>
#include <thread>

#include "power/request.h"
#include "power/stream.h"

namespace forager::power {
namespace {

/// An empty ExportTraceServiceResponse: everything was stored (PROTOCOLS 1.4).
constexpr std::string_view stored =
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";

void report(const std::string& body) {
  const auto ids = take_apart(body);
  if (!ids) return say("strange " + std::to_string(body.size()));
  std::string line = "got";
  for (const Id id : *ids) line += " " + text(id);
  say(std::move(line));
}

void serve(Stream stream, std::chrono::milliseconds delay) {
  while (const auto request = stream.read()) {
    if (request->head.starts_with("POST")) report(request->body);
    std::this_thread::sleep_for(delay);  // it plays a slow destination; nobody waits on it to pass
    if (!stream.send(stored)) return;
  }
}

}  // namespace

int run_sink(std::uint16_t port, int delay_ms) {
  const int listener = listen_on(port);
  if (listener < 0) return 1;
  for (;;) {
    const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted < 0) return 1;
    std::thread(serve, Stream(accepted), std::chrono::milliseconds(delay_ms))
        .detach();  // it ends with the machine
  }
}

}  // namespace forager::power
