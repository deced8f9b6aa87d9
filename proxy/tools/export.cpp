// `forager journal export`: held records as files that other OpenTelemetry tools read.
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/json_writer.h"
#include "config/values.h"
#include "otlp/json_out.h"
#include "tools/journal_tool.h"
#include "tools/quarantine.h"
#include "tools/running.h"
#include "tools/table.h"

namespace forager::tools {
namespace {

/// Bodies that are in memory at once.
constexpr std::size_t read_at_once = std::size_t{8} << 20U;

/// A new file, never one that is there; removed unless it was kept.
class NewFile {
 public:
  explicit NewFile(std::string path) : path_(std::move(path)) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!kept_) ::unlink(path_.c_str());
  }
  Result<void> write(std::string_view bytes) {
    constexpr mode_t private_file = 0600;
    if (fd_ < 0) fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, private_file);
    if (fd_ < 0 && errno == EEXIST)
      return fault(fmt::format("{} is there already; name an empty directory", path_));
    if (fd_ < 0) return failed("create");
    while (!bytes.empty()) {
      const ssize_t wrote = ::write(fd_, bytes.data(), bytes.size());
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0) return failed("write");
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
      bytes_ += static_cast<std::size_t>(wrote);
    }
    return {};
  }
  Result<void> sync() {
    if (fd_ >= 0 && ::fsync(fd_) != 0) return failed("sync");
    return {};
  }
  void keep() { kept_ = true; }
  const std::string& path() const { return path_; }
  bool used() const { return fd_ >= 0; }
  std::size_t bytes() const { return bytes_; }

  std::uint64_t records = 0;
  std::uint64_t items = 0;

 private:
  Fault failed(const char* doing) const {
    return fault(fmt::format("can't {} {}: {}", doing, path_, std::strerror(errno)));
  }
  std::string path_;
  int fd_ = -1;
  bool kept_ = false;
  std::size_t bytes_ = 0;
};

/// As the Collector's file exporter writes them: JSON lines, or each message behind its length in
/// four bytes, big-endian.
void put(std::string& to, Signal signal, std::string_view body, bool proto) {
  if (!proto) {
    to += otlp::protobuf_to_json(signal, body);
    to += '\n';
    return;
  }
  for (int shift = 24; shift >= 0; shift -= 8)
    to +=
        static_cast<char>(static_cast<unsigned char>(body.size() >> static_cast<unsigned>(shift)));
  to += body;
}

using Outputs = std::array<std::unique_ptr<NewFile>, signal_count>;

struct Written {
  std::uint64_t unreadable = 0;
  std::string err;
};

Result<Written> write_all(Call& call, Stored::Filter filter, bool proto, Outputs& outputs) {
  Written made;
  filter.bytes_most = read_at_once;
  for (;;) {
    const auto records = call.stored.records(filter);
    if (!records) return fault("--destination: " + records.error().what);
    if (records->empty()) break;
    const auto bodies = call.stored.bodies(*records);
    std::array<std::string, signal_count> texts;
    for (std::size_t i = 0; i < records->size(); ++i) {
      const journal::Record& record = *(*records)[i];
      const auto signal = static_cast<std::size_t>(record.signal);
      if (bodies[i].body.empty()) {
        ++made.unreadable;
        made.err += fmt::format("record {} can't be read: {}\n", record.position, bodies[i].why);
        continue;
      }
      put(texts.at(signal), record.signal, bodies[i].body.view(), proto);
      ++outputs.at(signal)->records;
      outputs.at(signal)->items += record.items;
    }
    for (std::size_t i = 0; i < signal_count; ++i) {
      if (texts.at(i).empty()) continue;
      if (auto wrote = outputs.at(i)->write(texts.at(i)); !wrote) return wrote.error();
    }
    filter.after = records->back()->position;
  }
  for (const auto& output : outputs) {
    if (auto synced = output->sync(); !synced) return synced.error();
  }
  return made;
}

/// What was quarantined, as JSON, which a running Forager gives.
Result<Written> write_quarantined(const Call& call, const Stored::Filter& filter,
                                  Outputs& outputs) {
  auto done = each_quarantined(call, [&](std::string_view line) -> Result<void> {
    const bool wanted =
        filter.destination.empty() || word_of(line, "destination") == filter.destination;
    for (const Signal one : all_signals) {
      if (!wanted || word_of(line, "signal") != facts(one).name) continue;
      if (filter.signal && *filter.signal != one) continue;
      NewFile& to = *outputs.at(static_cast<std::size_t>(one));
      ++to.records;
      to.items += number_of(line, "items");
      if (auto wrote = to.write(std::string(request_of(line)) + "\n"); !wrote) return wrote;
    }
    return {};
  });
  if (!done) return done.error();
  for (const auto& output : outputs) {
    if (auto synced = output->sync(); !synced) return synced.error();
  }
  return Written{};
}

std::string summary(const Call& call, const Outputs& outputs) {
  if (call.command.json) {
    JsonWriter json;
    json.begin_object().key("files").begin_array();
    for (const auto& output : outputs) {
      if (!output->used()) continue;
      json.begin_object().member("file", output->path()).member("records", output->records);
      json.member("items", output->items).member("bytes", output->bytes()).end_object();
    }
    json.end_array().end_object();
    return json.take() + "\n";
  }
  Table table({{"file"}, {"records", true}, {"items", true}, {"bytes", true}});
  for (const auto& output : outputs) {
    if (!output->used()) continue;
    table.add({output->path(), fmt::to_string(output->records), fmt::to_string(output->items),
               readable_bytes(output->bytes())});
  }
  return table.empty() ? "Nothing is held, no file was written.\n" : table.text();
}

}  // namespace

config::Printed export_files(Call& call) {
  if (call.with.words.size() < 2) {
    return usage("where to? Write forager journal export DIRECTORY");
  }
  const std::string& directory = call.with.words[1];
  const std::string& format = call.with.format;
  if (!format.empty() && format != "json" && format != "proto") {
    return usage(
        fmt::format("--format: {} is none; write json or proto", config::in_quotes(format)));
  }
  const bool proto = format == "proto";
  if (proto && call.with.quarantined) {
    return usage(
        "--format proto and --quarantined at once; quarantined items are exported as JSON");
  }
  Stored::Filter filter;
  filter.destination = call.with.destination;
  const auto signal = signal_named(call.with.signal);
  if (!signal) return usage(signal.error().what);
  filter.signal = *signal;
  constexpr mode_t private_directory = 0700;
  if (::mkdir(directory.c_str(), private_directory) != 0 && errno != EEXIST) {
    return failed(fmt::format("can't make {}: {}", directory, std::strerror(errno)));
  }
  Outputs outputs;
  for (const Signal one : all_signals) {
    outputs.at(static_cast<std::size_t>(one)) = std::make_unique<NewFile>(
        fmt::format("{}/{}.{}", directory, facts(one).name, proto ? "binpb" : "jsonl"));
  }
  const auto written = call.with.quarantined ? write_quarantined(call, filter, outputs)
                                             : write_all(call, filter, proto, outputs);
  if (!written) return failed(written.error().what);
  for (const auto& output : outputs) output->keep();
  const auto code = written->unreadable == 0 ? config::ExitCode::ok : config::ExitCode::failure;
  return {summary(call, outputs), written->err, code};
}

}  // namespace forager::tools
