// Two more destinations beside Honeycomb: one with every kind of limit, and the hive's manners with
// the signals of the plan. Their verdicts are the real ones.
#pragma once

#include "destination/destination.h"
#include "destination/hive.h"
#include "destination/verdict.h"
#include "sim/plan.h"

namespace forager::sim {

class StrictDestination : public destination::Destination {
 public:
  explicit StrictDestination(const PartyPlan& plan) : plan_(plan) {}
  std::string_view name() const override { return "strict"; }
  bool takes(Signal signal) const override { return plan_.takes[static_cast<std::size_t>(signal)]; }
  destination::Limits limits(Signal /*signal*/) const override {
    return {plan_.request_bytes, plan_.request_items, plan_.item_bytes};
  }
  net::Request encode(const destination::Encoded& batch) const override {
    net::Request request;
    request.target = facts(batch.signal).http_path;
    if (const auto coding = content_encoding(batch.codec); !coding.empty()) {
      request.headers.push_back({"Content-Encoding", std::string(coding)});
    }
    request.body = batch.body;
    return request;
  }
  void sign(net::Request& request, Signal /*signal*/, const destination::Credentials& with,
            WallTime /*now*/) const override {
    request.secret_headers.emplace_back("x-honeycomb-team", with.key);
  }
  destination::Verdict judge(const net::Response& response, Signal /*signal*/,
                             destination::Codec codec, WallTime now) const override {
    return destination::verdict_of(response, codec, now, "strict", "set another key");
  }

 private:
  const PartyPlan& plan_;
};

class HiveLike final : public destination::Destination {
 public:
  explicit HiveLike(const PartyPlan& plan) : plan_(plan) {}
  std::string_view name() const override { return "hive"; }
  bool takes(Signal signal) const override { return plan_.takes[static_cast<std::size_t>(signal)]; }
  destination::Limits limits(Signal signal) const override { return hive_.limits(signal); }
  net::Request encode(const destination::Encoded& batch) const override {
    return hive_.encode(batch);
  }
  void sign(net::Request& /*request*/, Signal /*signal*/, const destination::Credentials& /*with*/,
            WallTime /*now*/) const override {}
  destination::Verdict judge(const net::Response& response, Signal signal, destination::Codec codec,
                             WallTime now) const override {
    return hive_.judge(response, signal, codec, now);
  }

 private:
  const PartyPlan& plan_;
  destination::HiveDestination hive_;
};

}  // namespace forager::sim
