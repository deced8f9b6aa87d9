#include "base/async.h"

#include <cstdlib>

#include <spdlog/spdlog.h>

namespace forager {

void die_of(std::exception_ptr error, std::string_view task) noexcept {
  try {
    std::rethrow_exception(std::move(error));
  } catch (const std::exception& e) {
    spdlog::critical("{} ended by a bug: {}; the process stops so that it can be restarted", task,
                     e.what());
  } catch (...) {
    spdlog::critical("{} ended by a bug; the process stops so that it can be restarted", task);
  }
  spdlog::default_logger()->flush();
  std::abort();
}

}  // namespace forager
