// The header of one HTTP request, reduced to what a receiver of OTLP looks at. Beast's parser does
// the syntax (and the smuggling checks: two lengths, length with chunks); nothing it doesn't need
// is stored. No I/O here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "base/budget.h"
#include "base/bytes.h"
#include "base/inflate.h"
#include "base/secret.h"
#include "otlp/encoding.h"

namespace forager::receive {

enum class Method : std::uint8_t { post, options, head, other };

struct Head {
  Method method = Method::other;
  bool http_1_0 = false;
  std::string target;  ///< as sent: path, query, or absolute form
  bool media_seen = false;
  std::optional<otlp::Encoding>
      encoding;  ///< nullopt: no Content-Type, or one that OTLP/HTTP doesn't know
  std::optional<ContentCoding> coding = ContentCoding::identity;  ///< nullopt: one we don't take
  bool coding_seen = false;
  bool expects_continue = false;
  bool expects_other = false;
  bool transfer_unknown = false;  ///< a Transfer-Encoding other than `chunked`
  bool chunked = false;
  std::optional<std::uint64_t> length;
  std::optional<Secret> key;
  std::optional<std::string> dataset;
  std::string origin;             ///< of a browser
  bool preflight = false;         ///< Access-Control-Request-Method is there
  std::string requested_headers;  ///< Access-Control-Request-Headers
};

/// What OTLP/HTTP and the senders in the field use (PROTOCOLS 1.1, 2.2); parameters are ignored,
/// case too.
std::optional<otlp::Encoding> encoding_of(std::string_view content_type);

/// Bytes of a body whose length nobody announced: grows under a limit, and asks the budget before
/// it grows.
class GrowingBody {
 public:
  enum class Stop : std::uint8_t { none, too_large, no_room };
  GrowingBody(std::size_t limit, Budget::Charge charge)
      : limit_(limit), charge_(std::move(charge)) {}
  /// False: the body can't go on, `stopped` says why.
  bool append(std::string_view more);
  Stop stopped() const { return stop_; }
  /// What an append of so many bytes charges beyond what is charged already.
  std::size_t wants(std::size_t more) const {
    return size_ + more > bytes_.capacity() ? step(size_ + more) : 0;
  }
  std::size_t size() const { return size_; }
  const Budget::Charge& charge() const { return charge_; }
  /// The body and what is charged for it; this is empty afterwards.
  Buffer take_body();
  Budget::Charge take_charge() { return std::move(charge_); }

 private:
  /// Doubled, so that the copies stay linear.
  std::size_t step(std::size_t needed) const {
    return std::min(limit_, std::max({needed, bytes_.capacity() * 2, std::size_t{16'384}}));
  }

  std::size_t limit_;
  Budget::Charge charge_;
  Buffer bytes_;
  std::size_t size_ = 0;
  Stop stop_ = Stop::none;
};

/// Fed by `put` until `is_header_done`; then, for chunked bodies, until `is_done`, with `collect`
/// set.
class HeadParser final : public boost::beast::http::basic_parser<true> {
 public:
  static constexpr std::uint32_t limit = 16U * 1024U;  ///< bytes of a header: more is 431

  HeadParser();
  Head& head() { return head_; }
  /// Where the chunks go. Without it they are thrown away.
  void collect(GrowingBody* body) { body_ = body; }

 private:
  using error_code = boost::beast::error_code;
  using beast_view = boost::beast::string_view;
  void on_request_impl(boost::beast::http::verb method, beast_view name, beast_view target,
                       int version, error_code& ec) override;
  void on_response_impl(int code, beast_view reason, int version, error_code& ec) override;
  void on_field_impl(boost::beast::http::field name, beast_view name_text, beast_view value,
                     error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& ec) override;
  std::size_t on_body_impl(beast_view body, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t size, beast_view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t left, beast_view body, error_code& ec) override;
  void on_finish_impl(error_code& ec) override;

  Head head_;
  bool header_done_ = false;
  GrowingBody* body_ = nullptr;
};

}  // namespace forager::receive
