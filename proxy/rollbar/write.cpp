#include "rollbar/write.h"

#include <algorithm>
#include <optional>

#include "base/json_writer.h"
#include "rollbar/truncate.h"

namespace forager::rollbar {
namespace {

/// One try: the item under one cut.
class Try {
 public:
  Try(const Item& item, const Scrub& scrub, const Cut& cut, std::size_t limit)
      : item_(item), scrub_(scrub), cut_(cut), limit_(limit) {}

  /// nullopt: over the limit; it may have stopped early.
  std::optional<std::string> write() {
    json_.begin_object().key("data").begin_object();
    text("environment", item_.environment);
    json_.key("body").begin_object();
    write_body();
    json_.end_object();
    text("level", item_.level);
    if (item_.timestamp != 0) json_.member("timestamp", item_.timestamp);
    text("code_version", item_.code_version);
    text("platform", item_.platform);
    text("language", item_.language);
    text("framework", item_.framework);
    text("context", item_.context);
    write_request();
    write_person();
    write_server();
    write_custom();
    text("uuid", item_.uuid);
    json_.key("notifier").begin_object();
    json_.member("name", "forager").member("version", FORAGER_VERSION);
    json_.end_object().end_object().end_object();
    std::string made = json_.take();
    if (made.size() > limit_) return std::nullopt;
    return made;
  }

 private:
  std::string_view cut(std::string_view from) const { return first_bytes(from, cut_.string_bytes); }
  /// Nothing when there is no text: Rollbar shows an empty value as one.
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) json_.member(name, cut(value));
  }
  bool over() const { return json_.size() > limit_; }

  void write_body() {
    if (item_.message) {
      json_.key("message").begin_object();
      text("body", item_.text);
      json_.end_object();
      return;
    }
    const std::size_t count = std::min(item_.chain.size(), cut_.causes);
    if (count > 1) json_.key("trace_chain").begin_array();
    if (count == 1) json_.key("trace");
    for (std::size_t i = 0; i < count; ++i) write_trace(item_.chain[i], i == 0);
    if (count > 1) json_.end_array();
  }

  void write_trace(const Exception& exception, bool first) {
    json_.begin_object().key("frames").begin_array();
    const auto& frames = exception.frames;
    const Ends kept = ends(frames.size(), cut_.frames);
    for (std::size_t i = 0; i < frames.size() && !over(); ++i) {
      if (i < kept.head || i >= kept.tail) write_frame(frames[i]);
    }
    json_.end_array().key("exception").begin_object();
    json_.member("class", cut(exception.type)).member("message", cut(exception.message));
    if (first) text("description", item_.description);
    json_.end_object().end_object();
  }

  void write_frame(const Frame& frame) {
    json_.begin_object().member("filename", cut(frame.filename));
    if (frame.line) json_.member("lineno", *frame.line);
    if (frame.column) json_.member("colno", *frame.column);
    text("method", frame.method);
    text("code", frame.code);
    text("class_name", frame.class_name);
    json_.end_object();
  }

  void write_request() {
    const RequestFacts& request = item_.request;
    if (request.url.empty() && request.method.empty() && request.user_ip.empty() &&
        request.headers.empty() && request.query_string.empty()) {
      return;
    }
    if (cut_.minimal) return;
    json_.key("request").begin_object();
    text("url", request.url);
    text("method", request.method);
    text("user_ip", request.user_ip);
    text("query_string", request.query_string);
    if (cut_.attributes && !request.headers.empty()) {
      json_.key("headers").begin_object();
      Keys names;
      for (const auto& [name, value] : request.headers) {
        if (over()) break;
        if (names.is_new(cut(name))) json_.member(cut(name), cut(value));
      }
      json_.end_object();
    }
    json_.end_object();
  }

  void write_person() {
    if (item_.person.id.empty() || cut_.minimal) return;
    json_.key("person").begin_object();
    text("id", item_.person.id);
    text("username", item_.person.username);
    text("email", item_.person.email);
    json_.end_object();
  }

  void write_server() {
    if (cut_.minimal) return;
    if (item_.host.empty() && item_.root.empty() && item_.branch.empty()) return;
    json_.key("server").begin_object();
    text("host", item_.host);
    text("root", item_.root);
    text("branch", item_.branch);
    text("code_version", item_.code_version);
    json_.end_object();
  }

  void write_custom() {
    json_.key("custom").begin_object();
    text("trace_id", item_.trace_id);
    text("span_id", item_.span_id);
    text("service.name", item_.service);
    text("truncated", cut_.name);
    if (item_.held_back != 0) json_.member("held_back", item_.held_back);
    if (!cut_.minimal) {
      text("scope", item_.scope);
      text("span", item_.span);
      text("severity", item_.severity);
      text("stacktrace", item_.stacktrace);
    }
    if (cut_.attributes) {
      write_attributes("attributes", item_.attributes);
      write_attributes("span_attributes", item_.span_attributes);
      write_attributes("resource", item_.resource);
    }
    json_.end_object();
  }

  void write_attributes(std::string_view name, const std::vector<Attribute>& list) {
    if (list.empty()) return;
    json_.key(name).begin_object();
    Keys keys;
    for (const Attribute& a : list) {
      if (over()) break;
      if (!keys.is_new(cut(a.key))) continue;
      json_.key(cut(a.key));
      if (scrub_.hides(a.key)) {
        json_.value(scrubbed);
      } else {
        write_value(json_, a.value, cut_.string_bytes, scrub_);
      }
    }
    json_.end_object();
  }

  const Item& item_;
  const Scrub& scrub_;
  const Cut& cut_;
  std::size_t limit_;
  JsonWriter json_;
};

}  // namespace

std::string write_item(const Item& item, const Scrub& scrub, std::size_t limit) {
  const std::vector<Cut> rungs = ladder(limit);
  for (const Cut& rung : rungs) {
    if (auto made = Try(item, scrub, rung, limit).write()) return std::move(*made);
  }
  return *Try(item, scrub, rungs.back(), SIZE_MAX).write();
}

}  // namespace forager::rollbar
