#include "hive/traces.h"

#include <algorithm>

#include <fmt/format.h>

#include "hive/printable.h"

namespace forager::hive {

namespace {

constexpr std::size_t text_width = 60;

std::string service_shown(std::string_view service) {
  return service.empty() ? "unknown_service" : printable(service, text_width);
}

std::string duration_shown(std::uint64_t start, std::uint64_t end) {
  return end < start ? "no end time" : duration_text(end - start);
}

}  // namespace

std::vector<Line> OpenTraces::add(const std::vector<SpanFacts>& spans, Time now) {
  std::vector<Line> lines;
  for (const SpanFacts& span : spans) {
    std::string id(span.trace_id.substr(0, 16));
    if (open_.size() >= open_max && !open_.contains(id)) {
      std::ranges::move(take_all(), std::back_inserter(lines));
    }
    const auto [at, fresh] = open_.try_emplace(std::move(id));
    if (fresh) at->second.first = now;
    at->second.last = now;
    take_in(at->second, span);
  }
  return lines;
}

void OpenTraces::take_in(Open& trace, const SpanFacts& span) {
  ++trace.spans;
  if (span.failed) ++trace.errors;
  const bool is_root = span.parent_id.empty();
  if ((is_root && !trace.has_root) ||
      (is_root == trace.has_root && span.start_nanos < trace.start_nanos)) {
    trace.has_root = is_root;
    trace.service = service_shown(span.service);
    trace.name = printable(span.name, text_width);
    trace.start_nanos = span.start_nanos;
    trace.end_nanos = span.end_nanos;
  }
  const std::string service = service_shown(span.service);
  if (trace.services.size() < services_max &&
      std::ranges::find(trace.services, service) == trace.services.end()) {
    trace.services.push_back(service);
  }
}

std::vector<Line> OpenTraces::take_due(Time now) {
  std::vector<Line> lines;
  for (auto at = open_.begin(); at != open_.end();) {
    const Open& trace = at->second;
    const Duration quiet = trace.has_root ? quiet_with_root : quiet_without_root;
    if (now - trace.last < quiet && now - trace.first < age_max) {
      ++at;
      continue;
    }
    lines.push_back(write(at->first, trace));
    at = open_.erase(at);
  }
  return lines;
}

std::vector<Line> OpenTraces::take_all() {
  std::vector<Line> lines;
  for (const auto& [id, trace] : open_) lines.push_back(write(id, trace));
  open_.clear();
  return lines;
}

Line OpenTraces::write(const std::string& id, const Open& trace) {
  const bool again = !written_.insert(id).second;
  if (!again) {
    written_order_.push_back(id);
    if (written_order_.size() > written_max) {
      written_.erase(written_order_.front());
      written_order_.pop_front();
    }
  }
  const std::string_view one = again ? "more span" : "span";
  const std::string_view many = again ? "more spans" : "spans";
  std::string text = fmt::format("{}  {}  {}  {}", trace.service, trace.name,
                                 duration_shown(trace.start_nanos, trace.end_nanos),
                                 counted(trace.spans, one, many));
  if (trace.services.size() > 1) {
    const bool more = trace.services.size() == services_max;
    text += fmt::format(", {}{} services", trace.services.size(), more ? " or more" : "");
  }
  if (trace.errors != 0) text += ", " + counted(trace.errors, "error", "errors");
  if (!trace.has_root && !again) text += ", no root yet";
  return {LineKind::trace, 1, text + trace_text(id), trace.errors != 0};
}

}  // namespace forager::hive
