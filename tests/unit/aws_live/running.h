// A provider that runs until the end of the test.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "aws/provider.h"
#include "unit/aws_live/loop.h"

namespace forager::aws {

using std::chrono::hours;
using std::chrono::minutes;
using Reply = Endpoint::Reply;
using Variables = std::map<std::string, std::string, std::less<>>;

inline constexpr const char* first_id = "ASIAFIRSTFIRST01";
inline constexpr const char* second_id = "ASIASECONDSEC002";

class Running {
 public:
  explicit Running(Variables variables, std::map<std::string, std::string> content = {})
      : Running(settings_of(std::move(variables), std::move(content))) {}
  explicit Running(ProviderSettings settings)
      : provider_(
            loop_.io().get_executor(), loop_.tls(), std::move(settings),
            [engine = std::minstd_rand(3),
             unit = std::uniform_real_distribution<double>()]() mutable { return unit(engine); }) {
    provider_.on_changed([this] {
      ++changes_;
      ids_.push_back(provider_.current()->id);
    });
    asio::co_spawn(loop_.io(), provider_.run(), [this](std::exception_ptr error) {
      ended_ = true;
      if (error) std::rethrow_exception(error);
    });
  }
  ~Running() {
    provider_.stop();
    EXPECT_TRUE(loop_.run_until([this] { return ended_; }));
  }
  static ProviderSettings settings_of(Variables variables,
                                      std::map<std::string, std::string> content = {}) {
    ProviderSettings made;
    made.environment = environment(std::move(variables));
    made.read_file = files(std::move(content));
    made.schedule = fast();
    made.patience = hurried();
    made.file_interval = milliseconds(20);
    return made;
  }

  bool has(const std::string& id) {
    return loop_.run_until([&] { return provider_.current() && provider_.current()->id == id; });
  }
  bool fetched(std::uint64_t times) {
    return loop_.run_until([&] { return provider_.state().fetches >= times; });
  }
  /// What it says when the first fetch failed.
  std::string trouble() {
    EXPECT_TRUE(loop_.run_until([&] { return !provider_.state().trouble.empty(); }));
    return provider_.state().trouble;
  }
  Provider& provider() { return provider_; }
  Loop& loop() { return loop_; }
  int changes() const { return changes_; }
  const std::vector<std::string>& ids() const { return ids_; }

 private:
  Loop loop_;
  Provider provider_;
  int changes_ = 0;
  std::vector<std::string> ids_;
  bool ended_ = false;
};

inline std::string path_of(const std::string& request) {
  const std::size_t start = request.find(' ') + 1;
  return request.substr(start, request.find(' ', start) - start);
}
inline bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

inline Variables container_at(const Endpoint& endpoint) {
  return {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url() + "/creds?x=1"}};
}

}  // namespace forager::aws
