#include "app/log.h"

#include <memory>
#include <utility>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/json_writer.h"

namespace forager::app {
namespace {

/// %*: the message as a JSON string, so that whatever an error text holds stays one valid line.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm& /*time*/,
              spdlog::memory_buf_t& to) override {
    JsonWriter writer;
    writer.value(std::string_view(message.payload.data(), message.payload.size()));
    const std::string quoted = writer.take();
    to.append(quoted.data(), quoted.data() + quoted.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

spdlog::level::level_enum level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::error:
      return spdlog::level::err;
    case config::LogLevel::warn:
      return spdlog::level::warn;
    case config::LogLevel::debug:
      return spdlog::level::debug;
    case config::LogLevel::info:
      break;
  }
  return spdlog::level::info;
}

}  // namespace

void set_up_log(config::LogLevel level, config::LogFormat format) {
  auto logger = std::make_shared<spdlog::logger>("forager",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const bool json = format == config::LogFormat::json;
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<JsonMessage>('*').set_pattern(
      json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","message":%*})"
           : "%Y-%m-%dT%H:%M:%S.%eZ %-7l %v");
  logger->set_formatter(std::move(formatter));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  set_log_level(level);
}

void set_log_level(config::LogLevel level) { spdlog::set_level(level_of(level)); }

}  // namespace forager::app
