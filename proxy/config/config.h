// Every effective setting, typed and with its default. config/table.cpp has the table that fills
// it; app hands its parts to the modules, which never read the environment themselves.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"

namespace forager::config {

using std::chrono::milliseconds;

/// host:port, `unix:path`, or off. An empty host never occurs: "localhost" means 127.0.0.1 and,
/// where there is one, ::1.
struct Listen {
  bool off = false;
  std::string host;        ///< name or address; empty when `unix_path` is set
  std::uint16_t port = 0;  ///< 0: the system chooses (tests); the start-up lines say which
  std::string unix_path;
  bool all_interfaces = false;  ///< asked for as ":port"; `host` is then 0.0.0.0, and [::] is meant
                                ///< too where there is IPv6
};

enum class KeyPolicy : std::uint8_t { replace, if_missing, pass_through };
enum class OnFull : std::uint8_t { refuse, expire };
enum class Ack : std::uint8_t { kept, delivered };
enum class JournalKind : std::uint8_t { automatic, disk, memory };
enum class Compression : std::uint8_t { automatic, zstd, gzip, none };
enum class LogLevel : std::uint8_t { error, warn, info, debug };
enum class LogFormat : std::uint8_t { text, json };

/// Where resource attributes that apps lack are taken from.
struct EnrichFrom {
  bool env = true;  ///< OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
  bool ecs = true;  ///< the task's metadata
  bool ec2 = true;  ///< the instance's identity
  bool k8s = true;  ///< variables of the downward API: K8S_POD_NAME and the like
};

struct Config {
  std::string config_file;  ///< the YAML file that was read; empty: none

  // receive
  Listen otlp_http{false, "localhost", 4318, ""};
  Listen otlp_grpc{false, "localhost", 4317, ""};
  Listen admin{false, "localhost", 13133, ""};
  std::size_t request_limit = 64U << 20U;      ///< bytes, also after decompression
  std::uint32_t connections = 1024;            ///< open HTTP connections from apps
  std::vector<std::string> cors_origins;       ///< empty: CORS off
  Listen xray_daemon{true, {}, 0, {}, false};  ///< UDP and TCP, for apps with an X-Ray SDK
  bool xray_segments_as_spans = false;         ///< for the destinations beside X-Ray
  milliseconds header_timeout{10'000};  ///< from connect or first byte to the end of the header
  milliseconds body_timeout{30'000};    ///< the whole body
  milliseconds idle_timeout{120'000};   ///< kept-alive connection without a request

  // admit
  KeyPolicy key_policy = KeyPolicy::replace;
  std::size_t memory_limit = 0;  ///< bytes; 0: from the cgroup, else 256 MiB

  // enrich
  EnrichFrom enrich;
  std::string service_name;         ///< OTEL_SERVICE_NAME; empty: not given
  std::string resource_attributes;  ///< OTEL_RESOURCE_ATTRIBUTES as it stands there
  std::string app_container;        ///< of the app beside us, in the task or pod; empty: not named

  // journal
  JournalKind journal = JournalKind::automatic;
  std::string state_dir;          ///< of this user, for who may not write /var/lib
  std::string data_dir;           ///< empty: the standard directory
  std::size_t journal_bytes = 0;  ///< 0: memory journal half of the memory limit; disk 1 GiB
  milliseconds retention{0};      ///< 0: no limit by age
  OnFull on_full = OnFull::refuse;
  Ack ack = Ack::kept;

  // destinations
  std::vector<std::string>
      destinations;  ///< empty: from the credentials that are set; else names, or signal=name
  Secret honeycomb_key;
  std::string honeycomb_key_file;  ///< re-read on SIGHUP and when it changes
  std::string honeycomb_endpoint = "https://api.honeycomb.io";
  std::string honeycomb_dataset;          ///< for classic keys, and for logs without a service name
  std::string honeycomb_metrics_dataset;  ///< dataset of metrics; else honeycomb_dataset

  std::string otlp_endpoint;      ///< of any other backend; empty: none
  Secret otlp_headers;            ///< name=value,name=value; parse_headers takes it apart
  std::string otlp_headers_file;  ///< re-read on SIGHUP and when it changes
  std::string otlp_ca_file;       ///< what signs its certificate; empty: ca_file
  std::string otlp_certificate;   ///< PEM: ours, for who asks for one
  std::string otlp_private_key;   ///< PEM
  Compression otlp_compression = Compression::gzip;  ///< OTLP has servers read gzip, and no more

  std::string aws_credentials;  ///< where from, in words; empty: nothing is set
  std::string aws_region;
  std::string xray_endpoint;        ///< empty: AWS's own for the region
  std::string cloudwatch_endpoint;  ///< empty: AWS's own for the region
  std::string cloudwatch_log_group = "/forager/{service.name}";
  std::string cloudwatch_log_stream = "{host.name:otlp}";
  bool cloudwatch_create = true;  ///< groups and streams that are missing

  Secret rollbar_token;
  std::string rollbar_token_file;  ///< re-read on SIGHUP and when it changes
  std::string rollbar_endpoint = "https://api.rollbar.com";
  std::string rollbar_environment = "production";  ///< of apps that don't say theirs
  bool rollbar_error_logs = true;                  ///< logs of severity ERROR without an exception
  std::uint32_t rollbar_per_minute = 60;           ///< items
  std::uint32_t rollbar_per_error = 10;            ///< of them, of one and the same error
  bool rollbar_span_errors = false;        ///< spans with status ERROR and no exception event
  std::string rollbar_code_version;        ///< of apps that don't say theirs
  std::string rollbar_branch;              ///< the same
  std::string rollbar_root;                ///< where the code lies: taken off file names there
  std::string rollbar_framework;           ///< "flask"
  std::vector<std::string> rollbar_scrub;  ///< names whose values are hidden, beside the usual ones

  std::string
      https_proxy;  ///< http://[user:password@]host:port; print it through without_userinfo only
  std::string no_proxy;
  std::string ca_file;  ///< SSL_CERT_FILE; empty: the system's
  Compression compression = Compression::automatic;
  std::size_t batch_bytes = 0;     ///< uncompressed bytes a request; 0: the destination's own limit
  milliseconds batch_linger{200};  ///< longest wait for more while requests are in flight
  std::uint32_t concurrency = 4;   ///< requests in flight per destination
  milliseconds send_timeout{30'000};
  milliseconds retry_initial{1'000};
  milliseconds retry_max{60'000};
  milliseconds probe_interval{30'000};  ///< parked destination: at most one request in this time

  // lifecycle
  milliseconds stop_grace{8'000};
  milliseconds stop_quiet{1'000};
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::text;
};

}  // namespace forager::config
