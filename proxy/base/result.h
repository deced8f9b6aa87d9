// Errors are values. A Fault says what was wrong in words a person can act on; exceptions are for start-up and bugs.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <boost/system/result.hpp>

namespace forager {

/// What went wrong, where it came from and what to do, in one sentence. Never holds a secret or a body.
struct Fault {
  std::string what;
};

[[noreturn]] inline void throw_exception_from_error(const Fault& fault,
                                                    const boost::source_location& /*where*/) {
  throw std::runtime_error(fault.what);
}

template <class T>
using Result = boost::system::result<T, Fault>;

inline Fault fault(std::string what) { return Fault{std::move(what)}; }

}  // namespace forager
