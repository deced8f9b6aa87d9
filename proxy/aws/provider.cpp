#include "aws/provider.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace forager::aws {
namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

/// While waiting, so often both clocks are compared: a machine that slept is noticed by this.
constexpr Duration look_interval = std::chrono::seconds(30);
/// The same trouble is logged again after this.
constexpr Duration repeat_interval = std::chrono::minutes(5);

Now both_clocks() { return {steady_clock::now(), system_clock::now()}; }

/// What an endpoint said may end in a log: one line, not without end.
std::string one_line(std::string text) {
  constexpr std::size_t longest = 600;
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) c = ' ';
  }
  if (text.size() > longest) text = text.substr(0, longest) + "...";
  return text;
}

std::string words_for(Duration time) {
  namespace chr = std::chrono;
  const auto minutes = chr::duration_cast<chr::minutes>(time).count();
  if (minutes >= 60) return fmt::format("{} h {} min", minutes / 60, minutes % 60);
  if (minutes >= 1) return fmt::format("{} min", minutes);
  return fmt::format("{} s", chr::duration_cast<chr::seconds>(time).count());
}

bool same(const destination::AwsKeys& a, const destination::AwsKeys& b) {
  return a.id == b.id && a.secret == b.secret && a.token == b.token;
}

}  // namespace

Provider::Provider(asio::any_io_executor executor, net::Tls& tls, ProviderSettings settings,
                   Random random)
    : settings_(std::move(settings)),
      random_(std::move(random)),
      fetcher_(executor, tls, settings_.net),
      schedule_(settings_.schedule),
      wake_(executor),
      ended_(executor) {}

void Provider::stop() {
  stopping_ = true;
  fetcher_.stop();
  wake_.notify_all();
  ended_.notify_all();
}

void Provider::refresh_now() {
  if (schedule_.ask(steady_clock::now())) wake_.notify_all();
}

void Provider::reread() {
  schedule_.again();
  wake_.notify_all();
}

asio::awaitable<void> Provider::run() {
  while (!stopping_) {
    const Now now = both_clocks();
    schedule_.look(now);
    if (schedule_.next() > now.steady) {
      co_await wake_.wait_until(std::min(schedule_.next(), now.steady + look_interval));
      continue;
    }
    schedule_.started(now.steady);
    co_await fetch();
    ended_.notify_all();
  }
}

asio::awaitable<void> Provider::fetch() {
  const Profile profile = read_profile(settings_.environment, settings_.read_file);
  const auto source = choose(settings_.environment, profile, settings_.ecs_host);
  if (!source) {
    fail(source.error().what);
    co_return;
  }
  state_.source = source->name;
  std::string region = settings_.region;
  if (region.empty()) {
    const auto given = region_of(settings_.environment, profile);
    if (given && *given) region = (*given)->name;
  }
  Brought brought = co_await ask(*source, region);
  if (stopping_) co_return;
  take(std::move(brought), *source);
}

asio::awaitable<Brought> Provider::ask(const Source& source, std::string region) {
  if (const auto* plain = std::get_if<Plain>(&source.what)) {
    co_return Brought{Fetched{plain->keys}};
  }
  if (const auto* web = std::get_if<WebIdentity>(&source.what)) {
    co_return co_await ask_web_identity(fetcher_, settings_.read_file, *web, made_up_session_name(),
                                        sts_url(settings_.environment, region), settings_.patience);
  }
  if (const auto* container = std::get_if<Container>(&source.what)) {
    co_return co_await ask_container(fetcher_, settings_.read_file, *container, settings_.patience);
  }
  Brought made = co_await ask_imds(fetcher_, std::get<Imds>(source.what), settings_.patience);
  // last in the chain: whoever gets here in vain most likely has configured nothing
  if (!made.outcome && !keys_) {
    made = Brought{Failure{fmt::format("{}; the last place, the instance, failed too: {}",
                                       how_to_configure(), made.outcome.error().what),
                           false}};
  }
  co_return made;
}

void Provider::take(Brought brought, const Source& source) {
  if (!brought.outcome) return fail(std::move(brought.outcome).error().what);
  ++state_.fetches;
  const bool changed = !keys_ || !same(*keys_, brought.outcome->keys);
  const auto* plain = std::get_if<Plain>(&source.what);
  Schedule::Got got;
  got.left = brought.left;
  got.changed = changed;
  got.stable = std::holds_alternative<Imds>(source.what);
  if (plain != nullptr && plain->from_file) got.again = settings_.file_interval;
  if (plain == nullptr && !got.left) got.again = settings_.schedule.advisory;
  const Now now = both_clocks();
  schedule_.succeeded(got, now, random_());
  const bool over = schedule_.over(now.steady);
  if (!state_.trouble.empty() && !over)
    spdlog::info("AWS credentials: {} works again", source.name);
  state_.trouble.clear();
  if (over) {
    state_.trouble =
        fmt::format("{} gave credentials that ended {} ago; they are used until it has new ones",
                    source.name, words_for(-*got.left));
  }
  if (!changed) return;
  ++state_.changes;
  keys_ = std::move(brought.outcome->keys);
  state_.key_id = shown_key_id(keys_->id);
  const std::string life = !got.left ? std::string("no end")
                           : over    ? state_.trouble
                                     : fmt::format("good for {}", words_for(*got.left));
  spdlog::log(over ? spdlog::level::warn : spdlog::level::info, "AWS credentials {} from {}: {}",
              state_.key_id, source.name, life);
  if (on_changed_) on_changed_();
}

void Provider::fail(std::string why) {
  ++state_.fetches;
  ++state_.failures;
  state_.trouble = one_line(std::move(why));
  const Now now = both_clocks();
  schedule_.failed(now, random_());
  const bool usable = keys_ && !schedule_.over(now.steady);
  const bool known = said_ && said_->trouble == state_.trouble && said_->usable == usable &&
                     now.steady - said_->at < repeat_interval;
  if (known) return;
  said_ = Said{now.steady, state_.trouble, usable};
  spdlog::log(usable ? spdlog::level::warn : spdlog::level::err, "AWS credentials: {}{}",
              state_.trouble,
              usable  ? "; those there are still good"
              : keys_ ? "; those there are over and used all the same; nothing is lost meanwhile"
                      : "; what needs them waits, nothing is lost");
}

std::string Provider::made_up_session_name() {
  std::string made = "forager-";
  constexpr std::string_view digits = "0123456789abcdef";
  for (int i = 0; i < 16; ++i) made += digits[static_cast<std::size_t>(random_() * 16) & 0xFU];
  return made;
}

asio::awaitable<Result<destination::AwsKeys>> Provider::first(Time deadline) {
  while (!stopping_ && state_.fetches == 0 && steady_clock::now() < deadline) {
    co_await ended_.wait_until(deadline);
  }
  if (keys_) co_return *keys_;
  co_return fault(why_none());
}

ProviderState Provider::state() const {
  ProviderState made = state_;
  made.expires_in = schedule_.left(steady_clock::now());
  return made;
}

std::string Provider::why_none() const {
  if (keys_) return {};
  return state_.trouble.empty() ? "no AWS credentials yet: they are being fetched" : state_.trouble;
}

}  // namespace forager::aws
