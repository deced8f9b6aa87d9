#include "sim/server.h"

#include <algorithm>
#include <array>

#include "base/inflate.h"
#include "otlp/reply.h"

namespace forager::sim {
namespace {

using Kind = net::TransportError::Kind;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string_view key_in(const net::Request& request) {
  for (const auto& [name, value] : request.secret_headers) {
    if (name == "x-honeycomb-team") return value.reveal();
  }
  return {};
}

std::string_view header_in(const net::Request& request, std::string_view name) {
  for (const net::Header& h : request.headers) {
    if (h.name == name) return h.value;
  }
  return {};
}

/// Most schedules send bodies as they are, under the name of the codec; some really compress.
std::string raw_of(const net::Request& request) {
  std::string body = request.body.joined();
  const bool zstd = body.starts_with("\x28\xb5\x2f\xfd");
  const bool gzip = body.starts_with("\x1f\x8b");
  if (!zstd && !gzip) return body;
  const auto coding = content_coding_of(header_in(request, "Content-Encoding"));
  hold(coding == (zstd ? ContentCoding::zstd : ContentCoding::gzip), "another codec than named");
  auto raw = inflate(*coding, body, std::size_t{1} << 26U);
  hold(std::holds_alternative<Buffer>(raw), "a body that can't be read");
  return std::string(std::get<Buffer>(raw).view());
}

std::string http_date(WallTime at) {
  const std::chrono::sys_days day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<seconds>(at - day));
  constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
                     days[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()),
                     months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

net::TransportError error(Kind kind, std::string_view words) { return {kind, std::string(words)}; }

}  // namespace

net::Response Server::response(int status, std::string_view words) {
  net::Response made;
  made.status = status;
  if (words.empty()) return made;
  if (chance_.one_in(2)) {
    made.headers.push_back({"Content-Type", "application/x-protobuf"});
    made.body = otlp::status_body(otlp::Encoding::protobuf, 3, words, std::nullopt);
  } else {
    made.headers.push_back({"Content-Type", "text/plain"});
    made.body = words;
  }
  return made;
}

net::Response Server::success(Signal signal, std::uint32_t rejected) {
  net::Response made = response(200);
  made.headers.push_back({"Content-Type", "application/x-protobuf"});
  if (rejected != 0) {
    made.body = otlp::partial_success_body(signal, otlp::Encoding::protobuf, rejected, "not these");
  }
  return made;
}

bool Server::key_is_good(std::string_view key) const {
  if (key.empty()) return true;  // a destination without keys: the hive
  if (!key.starts_with("app-")) return key == own_key_;
  const auto barred = barred_.find(static_cast<std::uint32_t>(key[4] - '0'));
  return barred == barred_.end() || !barred->second;
}

void Server::ask_to_wait(net::Response& made, WallTime wall) {
  const auto wait = seconds(chance_.one_in(4) ? chance_.below(200) : chance_.below(8));
  switch (chance_.below(4)) {
    case 0:
      made.headers.push_back({"Retry-After", fmt::format("{}", wait.count())});
      break;
    case 1:
      made.headers.push_back({"Retry-After", http_date(wall + wait)});
      break;
    case 2:
      made.headers.push_back(
          {"RateLimit", fmt::format("limit=100, remaining=0, reset={}", wait.count())});
      break;
    default:
      break;
  }
}

void Server::by_mood(Mood mood, Signal signal, Reply& reply, WallTime wall) {
  constexpr std::array misplaced{404, 405, 407, 415, 301, 302, 308, 501, 418};
  switch (mood) {
    case Mood::unreachable:
      reply.after = milliseconds(1);
      reply.what = error(Kind::connect, "connection refused");
      break;
    case Mood::resets:
      if (chance_.one_in(3)) break;
      reply.stored = chance_.one_in(2);
      reply.what = error(Kind::reset, reply.stored ? "cut, after it was taken" : "cut");
      break;
    case Mood::hangs:
      reply.stored = chance_.one_in(3);
      reply.after = std::chrono::hours(1);
      break;
    case Mood::busy:
      reply.what = response(chance_.one_in(2) ? 429 : 503, "not now");
      ask_to_wait(std::get<net::Response>(reply.what), wall);
      break;
    case Mood::failing:
      reply.what = response(500, "oh");
      reply.refused = true;
      break;
    case Mood::gateway:
      reply.stored = chance_.one_in(3);
      reply.what = response(chance_.one_in(2) ? 502 : 504);
      break;
    case Mood::unauthorised:
      reply.what = response(chance_.one_in(2) ? 401 : 403, "unknown API key");
      break;
    case Mood::misplaced:
      reply.what = response(chance_.of(misplaced));
      break;
    case Mood::refusing:
      reply.what = response(chance_.one_in(2) ? 400 : 422, "no");
      reply.refused = true;
      break;
    case Mood::rejecting:
      reply.stored = true;
      reply.acknowledged = true;
      reply.rejected = static_cast<std::uint32_t>(chance_.below(reply.items.size() + 1));
      reply.what = success(signal, reply.rejected);
      break;
    case Mood::mumbling:
      reply.stored = true;
      reply.acknowledged = true;
      reply.what = response(200);
      std::get<net::Response>(reply.what).body = "\x0f<html>thank you</html>";
      break;
    case Mood::well:
    case Mood::slow:
    case Mood::mixed:
      break;
  }
}

/// A destination that is up looks at the data.
void Server::by_data(Signal signal, const std::string& raw, Reply& reply) {
  const auto holds = [&](Truth::Kind kind) {
    return std::any_of(reply.items.begin(), reply.items.end(),
                       [&](const Seen& s) { return truths_[s.number].kind == kind; });
  };
  if (plan_.hidden_limit != 0 && raw.size() > plan_.hidden_limit) {
    reply.refused = true;
    reply.what = chance_.one_in(3) ? response(400, "request body is too large") : response(413);
  } else if (plan_.poison && holds(Truth::Kind::poison)) {
    reply.refused = true;
    reply.what = response(400, "bad value");
  } else if (plan_.boom && holds(Truth::Kind::boom)) {
    reply.refused = true;
    reply.what = response(500, "oh");
  } else {
    reply.stored = true;
    reply.acknowledged = true;
    reply.what = success(signal, 0);
  }
}

void Server::store(const Reply& reply) {
  if (!reply.stored) return;
  if (stored_.size() < truths_.size()) stored_.resize(truths_.size());
  // which ones are rejected is not said: the last ones
  for (std::size_t i = 0; i < reply.items.size() - reply.rejected; ++i) {
    ++stored_[reply.items[i].number];
  }
}

Reply Server::take(const net::Request& request, Signal signal, WallTime wall) {
  const std::string raw = raw_of(request);
  Reply reply;
  reply.items = read_items(signal, raw);
  const Duration took = plan_.steady ? plan_.latency : chance_.about(plan_.latency);
  reply.after = took + std::chrono::microseconds(50);
  reply.what = net::Response{};
  const Mood mood = mood_ == Mood::mixed ? static_cast<Mood>(chance_.below(mood_count)) : mood_;
  if (mood == Mood::slow) reply.after += chance_.about(seconds(5));
  by_mood(mood, signal, reply, wall);
  auto* answer = std::get_if<net::Response>(&reply.what);
  const bool settled = answer == nullptr || answer->status != 0 || reply.after > seconds(600);
  if (!settled) {
    const bool zstd = header_in(request, "Content-Encoding") == "zstd";
    if (!key_is_good(key_in(request))) {
      *answer = response(401, "unknown API key");
    } else if (zstd && !plan_.takes_zstd) {
      *answer = response(chance_.one_in(2) ? 400 : 415, "what is this");
    } else {
      by_data(signal, raw, reply);
    }
  }
  // whatever it says, the network may lose it
  if (!calm_ && plan_.loses != 0 && chance_.one_in(plan_.loses)) {
    reply.what = error(Kind::reset, "the answer is lost");
    reply.acknowledged = false;
    reply.refused = false;
  }
  store(reply);
  return reply;
}

}  // namespace forager::sim
