#include "tools/replay.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "admin/plain_http.h"
#include "base/json_writer.h"
#include "otlp/signal.h"
#include "tools/journal_tool.h"
#include "tools/running.h"

namespace forager::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::chrono::seconds patience{60};
constexpr milliseconds pause{500};
constexpr std::uint32_t request_most = std::uint32_t{256} << 20U;

enum class Next : std::uint8_t { request, end, broken };

class ExportFile {
 public:
  ExportFile(const std::string& path, std::optional<Signal> signal)
      : in_(path, std::ios::binary), signal_(signal) {
    json_ = in_.peek() == '{';
  }
  bool open() const { return in_.is_open(); }
  bool json() const { return json_; }

  /// The next one's bytes are in body().
  Next next() {
    body_.clear();
    if (json_) {
      while (std::getline(in_, body_)) {
        if (body_.find_first_not_of(" \t\r") != std::string::npos) return Next::request;
      }
      return Next::end;
    }
    std::array<char, 4> head{};
    in_.read(head.data(), head.size());
    if (in_.gcount() == 0) return Next::end;
    std::uint32_t size = 0;
    for (const char c : head) size = (size << 8U) | static_cast<unsigned char>(c);
    if (in_.gcount() != 4 || size > request_most) return Next::broken;
    body_.resize(size);
    in_.read(body_.data(), static_cast<std::streamsize>(size));
    return in_.gcount() == static_cast<std::streamsize>(size) ? Next::request : Next::broken;
  }
  const std::string& body() const { return body_; }

  /// As told; else what a line of JSON says itself.
  std::optional<Signal> signal() const {
    if (signal_ || !json_) return signal_;
    constexpr std::array<std::string_view, otlp_signals.size()> lists{
        "\"resourceSpans\"", "\"resourceMetrics\"", "\"resourceLogs\""};
    const auto quote = body_.find('"');
    if (quote == std::string::npos) return std::nullopt;
    for (const Signal one : otlp_signals) {
      if (std::string_view(body_).substr(quote).starts_with(
              lists.at(static_cast<std::size_t>(one))))
        return one;
    }
    return std::nullopt;
  }

 private:
  std::ifstream in_;
  std::optional<Signal> signal_;
  bool json_ = false;
  std::string body_;
};

/// "DIR/traces.binpb" is of traces.
std::optional<Signal> signal_of_name(const std::string& path) {
  const std::string name = path.substr(path.rfind('/') + 1);
  for (const Signal one : otlp_signals) {
    if (name.starts_with(facts(one).name)) return one;
  }
  return std::nullopt;
}

/// Until it is taken, or won't be. A Fault says why not.
Result<void> post(const admin::PlainAddress& to, Signal signal, const ExportFile& file) {
  const auto end = steady_clock::now() + patience;
  for (;;) {
    admin::PlainRequest request;
    request.method = "POST";
    request.target = facts(signal).http_path;
    request.content_type = file.json() ? "application/json" : "application/x-protobuf";
    request.body = file.body();
    const auto answer = admin::plain_exchange(to, request, patience);
    if (!answer) {
      return fault(answer.error().what +
                   ": is Forager running? --otlp-http-listen says where it listens");
    }
    if (answer->status == 200) return {};
    const bool later = answer->status == 429 || answer->status == 503;
    if (!later || steady_clock::now() > end)
      return fault(fmt::format("{} answered {}", to.text(), answer->status));
    std::this_thread::sleep_for(pause);
  }
}

struct Sent {
  std::string file;
  std::uint64_t requests = 0;
};

Result<Sent> send_file(const std::string& path, std::optional<Signal> told,
                       const admin::PlainAddress& to) {
  ExportFile file(path, told);
  if (!file.open()) return fault(fmt::format("can't open {}", path));
  if (!told && !file.json()) file = ExportFile(path, signal_of_name(path));
  Sent made{path};
  for (;;) {
    const Next next = file.next();
    const std::string place = fmt::format("{}, request {}", path, made.requests + 1);
    if (next == Next::end) return made;
    if (next == Next::broken) {
      return fault(place +
                   ": the file ends in the middle, or it is none that export or the Collector's "
                   "file exporter writes");
    }
    const auto signal = file.signal();
    if (!signal) return fault(place + ": of which signal? Say it with --signal");
    if (auto posted = post(to, *signal, file); !posted) {
      return fault(fmt::format("{}: {}; those before it were taken", place, posted.error().what));
    }
    ++made.requests;
  }
}

}  // namespace

config::Printed replay(const config::Command& command, const config::JournalPlace& settings) {
  const auto& words = command.journal.words;
  if (words.size() < 2) return usage("which files? Write forager journal replay FILE...");
  if (!command.journal.destination.empty()) {
    return usage("--destination goes with --quarantined; files are delivered to all destinations");
  }
  const auto signal = signal_named(command.journal.signal);
  if (!signal) return usage(signal.error().what);
  if (*signal == Signal::segments)
    return usage("segments are no OTLP and can't be replayed; show and export know them");
  const config::Listen& at = settings.otlp_http;
  if (at.off || (at.port == 0 && at.unix_path.empty())) {
    return usage("--otlp-http-listen is off or has no fixed port; write where Forager listens");
  }
  const admin::PlainAddress to = address_of(at);
  config::Printed made;
  JsonWriter json;
  json.begin_object().key("files").begin_array();
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto sent = send_file(words[i], *signal, to);
    if (!sent) {
      made.err = sent.error().what + "\n";
      made.code = config::ExitCode::failure;
      break;
    }
    json.begin_object().member("file", sent->file).member("requests", sent->requests).end_object();
    if (!command.json)
      made.out += fmt::format("{}: {} requests taken\n", sent->file, sent->requests);
  }
  json.end_array().end_object();
  if (command.json) made.out = json.take() + "\n";
  return made;
}

}  // namespace forager::tools
