// The admin pages as text: pure functions of a snapshot, so each is tested without a server.
//
// Metrics are written by hand and not with prometheus-cpp: it brings a server, locks and atomics
// for integers that live on one thread, and Debian has it as shared libraries only.
#pragma once

#include <string>

#include "admin/source.h"

namespace forager::admin {

/// JSON. Times are RFC 3339, durations seconds, sizes bytes.
std::string render_status(const Status& status);

/// JSON: door and destinations by signal, every non-zero reason with its sentence, and whether the
/// books balance.
std::string render_ledger(const ledger::Ledger& of, const ledger::HeldItems& held);
/// The same for people: a table, then each reason that occurs.
std::string render_ledger_text(const ledger::Ledger& of, const ledger::HeldItems& held);

/// Prometheus text format 0.0.4.
std::string render_metrics(const Status& status, const ledger::Ledger& of,
                           const ledger::HeldItems& held);

}  // namespace forager::admin
