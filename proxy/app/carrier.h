// One destination with all that serves it, in the order it is built; it goes down in reverse.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "destination/destination.h"
#include "export/delivery.h"
#include "export/exporter.h"
#include "hive/hive.h"
#include "net/transport.h"

namespace forager::app {

struct Carrier {
  std::unique_ptr<destination::Destination> destination;
  std::unique_ptr<net::Transport> transport;
  std::unique_ptr<exporter::Delivery> delivery;
  std::unique_ptr<exporter::Exporter> exporter;
  hive::HiveTransport* hive = nullptr;  ///< the transport, when it is the hive
  std::string where;  ///< for people: "https://api.honeycomb.io", "this terminal and ..."
};

}  // namespace forager::app
