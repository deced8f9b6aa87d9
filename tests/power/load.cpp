#include "power/load.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "power/request.h"
#include "power/stream.h"

namespace forager::power {
namespace {

/// The journal of the test (test_power.py) has room for those of two boots, on a fast machine too.
constexpr std::uint32_t requests_most = 1200;

std::string post(const std::string& body) {
  return "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-protobuf\r\n"
         "Content-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// The three digits of `HTTP/1.1 200 OK`.
std::string status(const Message& answer) {
  return answer.head.size() < 12 ? "?" : answer.head.substr(9, 3);
}

void send_requests(std::uint16_t port, std::uint32_t boot, std::atomic<std::uint32_t>& next) {
  auto stream = connect_to(port);
  if (!stream) return say("unreachable");
  for (Id id{boot, next++}; id.number <= requests_most; id.number = next++) {
    if (!stream->send(post(request_body(id)))) return say("closed");
    const auto answer = stream->read();
    if (!answer) return say("closed");
    const std::string code = status(*answer);
    say((code == "200" ? "kept" : code) + " " + text(id));
  }
}

}  // namespace

int run_load(std::uint16_t port, std::uint32_t boot, int connections) {
  std::atomic<std::uint32_t> next = 1;
  std::vector<std::jthread> apps;
  for (int i = 0; i < connections; ++i) {
    apps.emplace_back([port, boot, &next] { send_requests(port, boot, next); });
  }
  apps.clear();
  return 0;
}

int watch_page(std::uint16_t port, const char* path, const char* word) {
  const std::string request =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  for (;;) {
    auto stream = connect_to(port);
    if (!stream || !stream->send(request)) return 1;
    const auto answer = stream->read();
    if (!answer || status(*answer) != "200") return 1;
    say(std::string(word) + " " + answer->body.substr(0, answer->body.find('\n')));
    // how often the page is read: the host decides by what it says, never by how long it took
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
}

}  // namespace forager::power
