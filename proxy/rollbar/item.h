// An error as Rollbar's item (PROTOCOLS 4.2, 4.5): which attribute becomes which key, and the rules
// of length. rollbar/write.h makes JSON of it. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rollbar/read.h"
#include "rollbar/stack.h"
#include "rollbar/value.h"

namespace forager::rollbar {

/// What configuration says about items.
struct ItemRules {
  std::string environment = "production";  ///< where no attribute names one
  std::string code_version;                ///< where there is no service.version
  std::string root;                        ///< server.root: taken off file names by Rollbar
  std::string branch;                      ///< server.branch
  std::string framework;                   ///< "flask"
};

struct Person {
  std::string id;  ///< empty: nobody
  std::string username;
  std::string email;
};

struct RequestFacts {
  std::string url;
  std::string method;
  std::string user_ip;
  std::string query_string;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Everything under `data`. Attributes are views into the request.
struct Item {
  bool message = false;          ///< an item without exception
  std::string text;              ///< of a message
  std::vector<Exception> chain;  ///< of an exception: as raised, then its causes
  std::string description;       ///< what the app logged beside the exception

  std::string_view level;
  std::string uuid;
  std::uint64_t timestamp = 0;  ///< s since 1970; 0: not known
  std::string environment;
  std::string code_version;
  std::string platform;
  std::string language;
  std::string framework;
  std::string context;
  RequestFacts request;
  Person person;
  std::string host;
  std::string root;
  std::string branch;

  // custom
  std::string trace_id;  ///< hex
  std::string span_id;
  std::string service;
  std::string scope;
  std::string span;                   ///< name of the span
  std::string severity;               ///< SeverityText
  std::string stacktrace;             ///< when no frame was found in it
  std::uint64_t held_back = 0;        ///< of this kind by the rate cap, before this one
  std::vector<Attribute> attributes;  ///< of the log record or event, what isn't used elsewhere
  std::vector<Attribute> span_attributes;
  std::vector<Attribute> resource;
};

/// The item of one error. `held_back`: errors of its kind that the rate cap held back before it.
Item make_item(const Occurrence& error, const Envelope& around, const ItemRules& rules,
               const Scrub& scrub, std::uint64_t held_back = 0);

/// Of what makes an error that error, and nothing else: the same request sent again gives the same
/// uuid, and Rollbar discards the second. Of a log record that is all of it. Equal ones of one
/// request differ by Occurrence::repeat. RFC 9562 version 5.
std::string uuid_of(const Occurrence& error, std::string_view service, std::string_view instance,
                    std::string_view host);

/// critical, error, warning, info or debug.
std::string_view level_of(const Occurrence& error);

}  // namespace forager::rollbar
