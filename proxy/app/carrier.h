// One destination with all that serves it, in the order it is built; it goes down in reverse.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "destination/destination.h"
#include "export/delivery.h"
#include "export/exporter.h"
#include "hive/hive.h"
#include "net/tls.h"
#include "net/transport.h"

namespace forager::app {

struct Carrier {
  std::unique_ptr<net::Tls> tls;  ///< where it has certificates of its own
  std::unique_ptr<destination::Destination> destination;
  exporter::Exporter::CredentialsOf credentials;
  std::function<std::string()> no_credentials;  ///< ExporterSettings
  std::function<void()> stale_credentials;      ///< ExporterSettings
  bool needs_aws = false;                       ///< begins when there are credentials
  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<exporter::Delivery> delivery;
  std::unique_ptr<exporter::Exporter> exporter;
  hive::HiveTransport* hive = nullptr;  ///< the transport, when it is the hive
  std::string prefix;                   ///< path of its endpoint, in front of every target
  std::string url{};                    ///< of its endpoint; empty: in this process
  std::string where;  ///< for people: "https://api.honeycomb.io", "this terminal and ..."
};

}  // namespace forager::app
