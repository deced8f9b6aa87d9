// What a destination's answer to an empty request says to a person: are address, credentials and
// permissions right? Nothing is stored anywhere by it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "destination/destination.h"
#include "doctor/finding.h"
#include "net/message.h"
#include "otlp/signal.h"

namespace forager::doctor {

/// A request of this signal with nothing in it.
destination::Encoded empty_request(Signal signal, std::string lane);
/// A log request with one record of this service: what a screen needs to tell its lane. Never sent.
std::string sample_logs(std::string_view service, WallTime now);

/// `named`: the destination; `verdict`: of its answer to an empty request.
Finding judge_trial(std::string_view named, Signal signal, const destination::Verdict& verdict);
/// No answer came.
Finding unreachable(std::string_view named, const net::TransportError& error);

/// Honeycomb's answer to GET /1/auth: team, environment and what the key may do (PROTOCOLS 2.8).
Finding honeycomb_key(const net::Response& response);
/// Rollbar's answer to an item that isn't one: it looks at the token first (PROTOCOLS 4.3).
Finding rollbar_token(const net::Response& response);

/// More than a minute off is worth a word; AWS refuses more than five.
std::optional<Finding> clock_of(std::string_view named, const net::Response& response,
                                WallTime now);

}  // namespace forager::doctor
