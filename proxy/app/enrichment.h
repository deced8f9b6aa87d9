// Resource attributes for apps that lack them: what the environment says from the first request
// on, and what ECS and EC2 say once they have answered. Nothing ever waits for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admit/admission.h"
#include "aws/environment.h"
#include "aws/fetcher.h"
#include "aws/metadata.h"
#include "base/async.h"
#include "config/config.h"
#include "net/tls.h"
#include "otlp/enrich.h"

namespace forager::app {

using Variables = std::function<std::optional<std::string>(std::string_view name)>;

/// Of the sources `env` and `k8s`, as far as they are on; the first of a key counts. `warnings`:
/// whole sentences about what is given but can't be used.
std::vector<otlp::Attribute> attributes_at_hand(const config::Config& from,
                                                const Variables& variables,
                                                std::vector<std::string>& warnings);

/// io thread. Everything referred to outlives it.
class Enricher {
 public:
  Enricher(asio::any_io_executor executor, net::Tls& tls, aws::FetchSettings with,
           const config::Config& from, const Variables& variables, admit::Admission& door);

  /// Asks ECS and EC2, as far as they are on, and ends. What comes in before it has the answer goes
  /// without.
  asio::awaitable<void> run();
  /// Ends a question under way. Idempotent.
  void stop() { net_.stop(); }

 private:
  void use();
  void take(const aws::Detected& found);

  std::vector<otlp::Attribute> attributes_;
  bool in_pod_ = false;
  aws::Environment environment_;
  std::string app_container_;
  bool ask_ = false;
  bool ask_instance_ = false;
  aws::Fetcher net_;
  admit::Admission& door_;
};

}  // namespace forager::app
