#include "app/enrichment.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "aws/place.h"
#include "otlp/resource_text.h"

namespace forager::app {
namespace {

/// When ECS or EC2 gave no answer, they are asked again: a new task's endpoint may be late.
constexpr std::chrono::seconds ask_again{30};
constexpr int questions_max = 5;

struct PodVariable {
  std::string_view variable;
  std::string_view key;
};
/// The names that people give to the downward API (PROTOCOLS 5.5); the first of a key counts.
constexpr std::array<PodVariable, 7> pod_variables{{{"K8S_CLUSTER_NAME", "k8s.cluster.name"},
                                                    {"K8S_NAMESPACE", "k8s.namespace.name"},
                                                    {"K8S_NAMESPACE_NAME", "k8s.namespace.name"},
                                                    {"K8S_NODE_NAME", "k8s.node.name"},
                                                    {"K8S_DEPLOYMENT_NAME", "k8s.deployment.name"},
                                                    {"K8S_POD_NAME", "k8s.pod.name"},
                                                    {"K8S_POD_UID", "k8s.pod.uid"}}};

std::vector<otlp::Attribute> of_the_pod(const config::Config& from, const Variables& variables,
                                        std::vector<std::string>& warnings) {
  std::vector<otlp::Attribute> made;
  for (const PodVariable& one : pod_variables) {
    auto value = variables(one.variable);
    if (!value || value->empty()) continue;
    if (!otlp::is_utf8(*value)) {
      warnings.push_back(
          fmt::format("environment variable {} isn't UTF-8 and is not used", one.variable));
    } else {
      made.push_back({std::string(one.key), std::move(*value)});
    }
  }
  // we can't see which container the app is in, so it must be named
  if (!made.empty() && !from.app_container.empty()) {
    made.push_back({"k8s.container.name", from.app_container});
  }
  return made;
}

bool given(const std::vector<otlp::Attribute>& among, std::string_view key) {
  return std::ranges::find(among, key, &otlp::Attribute::key) != among.end();
}

}  // namespace

std::vector<otlp::Attribute> attributes_at_hand(const config::Config& from,
                                                const Variables& variables,
                                                std::vector<std::string>& warnings) {
  std::vector<otlp::Attribute> made;
  if (from.enrich.env && !from.service_name.empty()) {
    if (otlp::is_utf8(from.service_name)) {
      made.push_back({"service.name", from.service_name});
    } else {
      warnings.emplace_back("OTEL_SERVICE_NAME isn't UTF-8 and is not used");
    }
  }
  if (from.enrich.env) {
    auto read = otlp::parse_resource_text(from.resource_attributes);
    if (!read) {
      warnings.push_back(
          fmt::format("OTEL_RESOURCE_ATTRIBUTES {}; none of it is used", read.error().what));
    } else {
      std::ranges::move(*read, std::back_inserter(made));
    }
  }
  if (from.enrich.k8s)
    std::ranges::move(of_the_pod(from, variables, warnings), std::back_inserter(made));
  return made;
}

Enricher::Enricher(asio::any_io_executor executor, net::Tls& tls, aws::FetchSettings with,
                   const config::Config& from, const Variables& variables, admit::Admission& door)
    : environment_(aws::environment_from(variables)),
      app_container_(from.app_container),
      ask_(from.enrich.ecs || from.enrich.ec2),
      net_(std::move(executor), tls, std::move(with)),
      door_(door) {
  std::vector<std::string> warnings;
  attributes_ = attributes_at_hand(from, variables, warnings);
  for (const std::string& warning : warnings) spdlog::warn("{}", warning);
  in_pod_ = given(attributes_, "k8s.pod.name");
  if (!from.enrich.ecs) environment_.ecs_metadata.clear();
  if (!from.enrich.ec2) environment_.imds_disabled = true;
  // an endpoint of its own is there to be asked, whoever made the machine
  ask_instance_ = !environment_.imds_endpoint.empty();
  use();
}

void Enricher::use() {
  if (attributes_.empty()) return;
  auto made = std::make_shared<const otlp::Enrichment>(attributes_);
  std::vector<std::string_view> keys;
  for (const otlp::Attribute& one : attributes_) {
    if (std::ranges::find(keys, one.key) == keys.end()) keys.emplace_back(one.key);
  }
  spdlog::info("resource attributes that are added where an app sends none: {}",
               fmt::join(keys, ", "));
  door_.enrich_with(std::move(made));
}

void Enricher::take(const aws::Detected& found) {
  for (const auto& [key, value] : found.attributes) {
    // the instance can't know whose cluster it is a node of
    if (in_pod_ && key == "cloud.platform" && value == "aws_ec2") continue;
    if (otlp::is_utf8(value)) attributes_.push_back({key, value});
  }
  for (const auto& [key, value] : found.lists) {
    if (otlp::is_utf8(value)) attributes_.push_back({key, value, true});
  }
  use();
}

asio::awaitable<void> Enricher::run() {
  if (!ask_) co_return;
  for (int question = 1; question <= questions_max; ++question) {
    if (question > 1) {
      const bool go_on = co_await net_.pause(ask_again);
      if (!go_on) co_return;
    }
    const aws::Place place = co_await aws::find_place(net_, environment_, aws::read_small_file,
                                                      app_container_, ask_instance_);
    if (net_.stopped()) co_return;
    for (const std::string& note : place.notes) {
      spdlog::warn("resource attributes of the task or instance: {}", note);
    }
    const bool found = !place.found.attributes.empty();
    if (found) take(place.found);
    if (found || place.notes.empty()) co_return;
  }
}

}  // namespace forager::app
