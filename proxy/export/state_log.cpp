#include "export/state_log.h"

#include <algorithm>

#include <fmt/format.h>

namespace forager::exporter {
namespace {

using Kind = DeliveryState::Kind;
using Level = LogLine::Level;

constexpr Duration repeat_after = std::chrono::minutes(1);

int severity_of(Kind kind) {
  switch (kind) {
    case Kind::parked:
      return 3;
    case Kind::open:
      return 2;
    case Kind::retrying:
      return 1;
    case Kind::idle:
    case Kind::delivering:
      break;
  }
  return 0;
}

std::string_view words_of(int severity) {
  switch (severity) {
    case 3:
      return "is parked and needs a person; nothing is lost meanwhile";
    case 2:
      return "is unreachable; its data is kept and sent later";
    default:
      return "answered with an error; the request is sent again";
  }
}

/// Words of a server come into the log as one line of bounded length.
std::string one_line(std::string_view words) {
  constexpr std::size_t most = 400;
  std::string made(words.substr(0, most));
  for (char& c : made) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  if (words.size() > most) made += "...";
  return made;
}

std::string seconds_text(Duration length) {
  return fmt::format("{} s", std::chrono::duration_cast<std::chrono::seconds>(length).count());
}

}  // namespace

std::vector<LogLine> StateLog::update(const DeliveryState& state, std::uint64_t quarantined,
                                      std::uint64_t rejected, Time now) {
  std::vector<LogLine> out;
  const int severity = severity_of(state.kind);
  if (severity > 0) {
    note_trouble(state, severity, now, out);
  } else if (severity_ > 0 && state.last_success && *state.last_success >= begun_) {
    if (told_) {
      out.push_back({Level::info, fmt::format("destination {} is delivering again after {}",
                                              destination_, seconds_text(now - begun_))});
    }
    severity_ = 0;
    told_ = false;
  }
  note_items(quarantined, rejected, state.last_error, now, out);
  return out;
}

void StateLog::note_trouble(const DeliveryState& state, int severity, Time now,
                            std::vector<LogLine>& out) {
  if (severity_ == 0) begun_ = now;
  const std::string& words = state.kind == Kind::parked ? state.why_parked : state.last_error;
  const bool worse = severity > severity_ && severity > 1;
  const bool due = !last_line_ || now - *last_line_ >= repeat_after;
  const bool other_words = severity == 3 && severity == severity_ && words != last_words_;
  severity_ = std::max(severity, severity_);
  if (!worse && !due && !other_words) {
    ++untold_;
    return;
  }
  std::string text =
      fmt::format("destination {} {}: {}", destination_, words_of(severity), one_line(words));
  if (state.next_try && *state.next_try > now)
    text += fmt::format("; next try in {}", seconds_text(*state.next_try - now));
  if (untold_ > 0) text += fmt::format("; {} more like this since the last line", untold_);
  if (state.held.items > 0) text += fmt::format("; items waiting: {}", state.held.items);
  out.push_back({severity == 3 ? Level::error : Level::warn, std::move(text)});
  told_ = true;
  untold_ = 0;
  last_line_ = now;
  last_words_ = words;
}

void StateLog::note_items(std::uint64_t quarantined, std::uint64_t rejected, const std::string& why,
                          Time now, std::vector<LogLine>& out) {
  if (quarantined <= quarantined_ && rejected <= rejected_) return;
  if (last_items_line_ && now - *last_items_line_ < repeat_after) return;
  if (quarantined > quarantined_) {
    out.push_back(
        {Level::error, fmt::format("destination {}: {} items quarantined, see /status: {}",
                                   destination_, quarantined - quarantined_, one_line(why))});
  }
  if (rejected > rejected_) {
    out.push_back(
        {Level::warn, fmt::format("destination {}: {} items rejected by a partial success",
                                  destination_, rejected - rejected_)});
  }
  quarantined_ = quarantined;
  rejected_ = rejected;
  last_items_line_ = now;
}

}  // namespace forager::exporter
