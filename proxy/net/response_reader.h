// Puts an HTTP/1.x response together from bytes as they come, with limits on everything. No I/O:
// the parser is Beast's, the reading is the caller's.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "net/message.h"

namespace forager::net {

/// One answer. Interim ones (1xx) are skipped; 101 is a fault, nobody asked for it.
class ResponseReader {
 public:
  static constexpr std::size_t header_limit = std::size_t{32} << 10U;
  enum class Kind { exchange, connect };  ///< connect: a 2xx has no body, whatever its header says

  /// A body longer than `body_limit` is cut there: the status has been said, and calling a stored
  /// batch failed because of a long answer would send it for ever. The connection is then not used
  /// again.
  explicit ResponseReader(Kind kind, std::size_t body_limit);
  ResponseReader(const ResponseReader&) = delete;
  ResponseReader& operator=(const ResponseReader&) = delete;
  ~ResponseReader();

  /// Takes bytes from the wire. nullopt: fine so far; a Fault: not HTTP, or over a limit.
  [[nodiscard]] std::optional<Fault> feed(std::string_view bytes);
  /// The peer closed. True where that ends the answer; false: it was cut off.
  bool close();
  /// Ends the body here, as if the limit had been reached: no memory for more.
  void cut();

  bool started() const { return started_; }  ///< at least one byte came
  bool done() const;
  bool reusable() const;  ///< keep-alive, complete, and nothing came behind it
  std::size_t body_bytes() const;
  Response take();  ///< once, when done

 private:
  struct Parser;
  std::optional<Fault> parse();
  std::unique_ptr<Parser> parser_;
  Kind kind_;
  std::size_t body_limit_;
  std::string pending_;  ///< read, not yet taken by the parser
  int interim_ = 0;
  bool started_ = false;
  bool cut_ = false;
};

}  // namespace forager::net
