#include "aws/place.h"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include "aws/container.h"

namespace forager::aws {
namespace {

constexpr std::string_view vendor_file = "/sys/class/dmi/id/sys_vendor";

/// ${URI}/task, tried as often as the container's credentials.
asio::awaitable<Text> ask_task(Fetcher& net, std::string uri, Patience patience) {
  while (uri.ends_with('/')) uri.pop_back();
  const auto address = split_url(uri + "/task");
  if (!address) {
    co_return Failure{fmt::format("ECS_CONTAINER_METADATA_URI_V4: {}", address.error().what),
                      false};
  }
  Failure last;
  for (int attempt = 1; attempt <= patience.attempts; ++attempt) {
    if (attempt > 1) {
      const bool go_on = co_await net.pause(patience.between);
      if (!go_on) break;
    }
    net::Request request;
    request.method = "GET";
    request.target = address->target;
    auto answer = co_await net.send(address->base, std::move(request), patience.container_timeout);
    if (answer && answer->status == 200) co_return std::move(answer->body);
    last.what = answer ? fmt::format("the ECS task metadata endpoint answered {}", answer->status)
                       : answer.error().what;
    if (answer && answer->status < 500 && answer->status != 429) break;
  }
  co_return last;
}

bool on_ec2(const ReadFile& read) {
  const auto vendor = read(std::string(vendor_file));
  return vendor && *vendor && is_ec2_vendor(**vendor);
}

asio::awaitable<Result<Ec2Instance>> ask_instance_document(Fetcher& net, Imds at,
                                                           Patience patience) {
  auto document = co_await ask_imds_path(net, at, std::string(imds_document_path), patience);
  if (!document) co_return fault(document.error().what);
  auto hostname = co_await ask_imds_path(net, at, std::string(imds_hostname_path), patience);
  co_return ec2_instance(*document, hostname ? std::string_view(*hostname) : std::string_view());
}

}  // namespace

asio::awaitable<Place> find_place(Fetcher& net, Environment with, ReadFile read,
                                  std::string app_container, bool ask_instance, Patience patience) {
  Place made;
  bool fargate = false;
  if (!with.ecs_metadata.empty()) {
    auto text = co_await ask_task(net, with.ecs_metadata, patience);
    auto task = text ? ecs_task(*text, app_container) : Result<EcsTask>(fault(text.error().what));
    if (task) {
      fargate = task->fargate;
      made.region = task->region;
      made.found = std::move(task->found);
      if (!task->container_named) {
        made.notes.push_back(fmt::format("the ECS task has no container '{}'", app_container));
      }
    } else {
      made.notes.push_back(task.error().what);
    }
  }
  const bool ask_ec2 = !with.imds_disabled && !fargate && (ask_instance || on_ec2(read));
  if (!ask_ec2) co_return made;
  auto instance = co_await ask_instance_document(net, imds_of(with), patience);
  if (!instance) {
    made.notes.push_back(instance.error().what);
    co_return made;
  }
  if (made.region.empty()) made.region = instance->region;
  merge(made.found, std::move(instance->found));
  co_return made;
}

asio::awaitable<Result<Region>> find_region(Fetcher& net, Environment with, ReadFile read,
                                            bool ask_instance, Patience patience) {
  const Profile profile = read_profile(with, read);
  auto given = region_of(with, profile);
  if (!given) co_return given.error();
  if (*given) co_return std::move(**given);
  std::string tried;
  if (!with.ecs_metadata.empty()) {
    auto text = co_await ask_task(net, with.ecs_metadata, patience);
    auto task = text ? ecs_task(*text, {}) : Result<EcsTask>(fault(text.error().what));
    if (task && is_region(task->region)) co_return Region{task->region, "the ECS task"};
    tried = task ? "the ECS task names no region" : task.error().what;
  }
  if (!with.imds_disabled && (ask_instance || on_ec2(read))) {
    auto text = co_await ask_imds_path(net, imds_of(with), std::string(imds_region_path), patience);
    if (text && is_region(*text)) co_return Region{*text, "the instance"};
    tried += tried.empty() ? "" : "; ";
    tried += text ? "the instance names no region" : text.error().what;
  }
  co_return fault(fmt::format("the AWS region is not known: set AWS_REGION{}{}",
                              tried.empty() ? "" : "; asked in vain: ", tried));
}

Result<Region> find_region_now(const Environment& with, const ReadFile& read, Duration limit) {
  using std::chrono::steady_clock;
  asio::io_context io(1);
  asio::thread_pool pool(1);
  net::Tls tls(io.get_executor(), pool, {});
  Fetcher net(io.get_executor(), tls);
  std::optional<Result<Region>> made;
  asio::co_spawn(io, find_region(net, with, read, false),
                 [&made](std::exception_ptr error, Result<Region> found) {
                   if (error) std::rethrow_exception(error);
                   made.emplace(std::move(found));
                 });
  const Time end = steady_clock::now() + limit;
  while (!made && steady_clock::now() < end) io.run_one_until(end);
  if (!made) net.stop();
  while (!made) io.run_one();
  return std::move(*made);
}

}  // namespace forager::aws
