// Errors are values. A Fault says what was wrong in words a person can act on; exceptions are for
// start-up and bugs.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

#include <boost/system/result.hpp>

namespace forager {

/// What went wrong, where it came from and what to do, in one sentence. Never holds a secret or a
/// body.
struct Fault {
  std::string what;
  Fault() = default;

 private:
  // Through fault() only: could a string make one, Result<std::string> would not know which of the
  // two a string is.
  friend Fault fault(std::string what);
  struct Said {};
  Fault(Said /*tag*/, std::string text) : what(std::move(text)) {}
};

[[noreturn]] inline void throw_exception_from_error(const Fault& fault,
                                                    const boost::source_location& /*where*/) {
  throw std::runtime_error(fault.what);
}

template <class T>
using Result = boost::system::result<T, Fault>;

inline Fault fault(std::string what) { return Fault(Fault::Said{}, std::move(what)); }

}  // namespace forager
