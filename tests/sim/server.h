// A simulated destination, outside of Forager: what it stores, how it answers and when.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/message.h"
#include "sim/chance.h"
#include "sim/items.h"
#include "sim/plan.h"
#include "sim/trace.h"

namespace forager::sim {

struct Reply {
  Duration after{};
  std::variant<net::Response, net::TransportError> what;
  std::vector<Seen> items;     ///< in the request
  bool stored = false;         ///< it has them (but `rejected`)
  std::uint32_t rejected = 0;  ///< of a partial success
  bool acknowledged = false;   ///< `what` says that they are stored
  bool refused = false;        ///< `what` is about the data: 400, 413, 422, 500
};

class Server {
 public:
  Server(const ServerPlan& plan, std::string name, const std::vector<Truth>& truths,
         std::uint64_t seed)
      : plan_(plan), name_(std::move(name)), truths_(truths), chance_(seed) {}

  /// What becomes of a request that is sent now. `wall`: its own clock, which is right.
  Reply take(const net::Request& request, Signal signal, WallTime wall);
  void set_mood(Mood mood) { mood_ = mood; }
  Mood mood() const { return mood_; }
  /// Only keys that are good are taken: a version of Forager's own, and those of apps.
  void set_own_key(std::string key) { own_key_ = std::move(key); }
  void bar_app(std::uint32_t app, bool barred) { barred_[app] = barred; }
  /// Faults are over: what remains are the properties of the data and of the destination.
  void calm() {
    mood_ = Mood::well;
    barred_.clear();
    calm_ = true;
  }
  /// No item brings a 500 any more.
  void mend() { plan_.boom = false; }
  /// How often each item is stored here.
  std::uint32_t stored(Number number) const {
    return number < stored_.size() ? stored_[number] : 0;
  }
  const std::string& name() const { return name_; }
  const ServerPlan& plan() const { return plan_; }

 private:
  net::Response response(int status, std::string_view words = {});
  net::Response success(Signal signal, std::uint32_t rejected);
  bool key_is_good(std::string_view key) const;
  void by_mood(Mood mood, Signal signal, Reply& reply, WallTime wall);
  void by_data(Signal signal, const std::string& raw, Reply& reply);
  void ask_to_wait(net::Response& response, WallTime wall);
  void store(const Reply& reply);

  ServerPlan plan_;
  std::string name_;
  const std::vector<Truth>& truths_;
  Chance chance_;
  Mood mood_ = Mood::well;
  bool calm_ = false;
  std::string own_key_;
  std::map<std::uint32_t, bool> barred_;
  std::vector<std::uint32_t> stored_;
};

}  // namespace forager::sim
