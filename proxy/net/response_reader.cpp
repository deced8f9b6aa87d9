#include "net/response_reader.h"

#include <algorithm>

#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <fmt/format.h>

namespace forager::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr int interim_limit = 16;

/// Like Beast's string_body, but memory follows what really came (a Content-Length may lie) and
/// ends at a limit.
struct CappedBody {
  struct value_type {
    std::string bytes;
    std::size_t limit = 0;
    bool over = false;
  };
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>& /*header*/, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>& /*length*/, boost::system::error_code& ec) {
      ec = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& ec) {
      ec = {};
      std::size_t all = 0;
      for (const asio::const_buffer part : boost::beast::buffers_range_ref(buffers)) {
        const std::size_t room = body_.limit - body_.bytes.size();
        body_.bytes.append(static_cast<const char*>(part.data()), std::min(room, part.size()));
        body_.over = body_.over || part.size() > room;
        all += part.size();
      }
      return all;
    }
    void finish(boost::system::error_code& ec) { ec = {}; }

   private:
    value_type& body_;
  };
};

}  // namespace

struct ResponseReader::Parser {
  http::response_parser<CappedBody> http;
  Parser(Kind kind, std::size_t body_limit) {
    http.eager(true);
    http.header_limit(static_cast<std::uint32_t>(header_limit));
    http.body_limit(boost::none);  // ours is in CappedBody
    http.skip(kind == Kind::connect);
    http.get().body().limit = body_limit;
  }
  bool over() const { return http.get().body().over; }
};

ResponseReader::ResponseReader(Kind kind, std::size_t body_limit)
    : parser_(std::make_unique<Parser>(kind, body_limit)), kind_(kind), body_limit_(body_limit) {}
ResponseReader::~ResponseReader() = default;

std::optional<Fault> ResponseReader::feed(std::string_view bytes) {
  started_ = started_ || !bytes.empty();
  pending_.append(bytes);
  return parse();
}

std::optional<Fault> ResponseReader::parse() {
  while (!done() && !pending_.empty()) {
    boost::system::error_code ec;
    const std::size_t taken = parser_->http.put(asio::buffer(pending_), ec);
    pending_.erase(0, taken);
    if (ec == http::error::need_more) return std::nullopt;
    if (ec == http::error::header_limit) {
      return fault(fmt::format("the header of the answer is over {} KiB", header_limit >> 10U));
    }
    if (ec) return fault(fmt::format("the answer is not valid HTTP/1: {}", ec.message()));
    if (!parser_->http.is_done() || parser_->http.get().result_int() >= 200) continue;
    if (parser_->http.get().result_int() == 101)
      return fault("the server switched protocols unasked");
    if (++interim_ > interim_limit) return fault("too many interim (1xx) answers");
    parser_ = std::make_unique<Parser>(kind_, body_limit_);
  }
  return std::nullopt;
}

bool ResponseReader::close() {
  if (done()) return true;
  if (!parser_->http.is_header_done()) return false;
  boost::system::error_code ec;
  parser_->http.put_eof(ec);
  return !ec && parser_->http.is_done();
}

void ResponseReader::cut() { cut_ = true; }

bool ResponseReader::done() const {
  if (cut_) return parser_->http.is_header_done();
  return parser_->over() || parser_->http.is_done();
}

bool ResponseReader::reusable() const {
  return !cut_ && !parser_->over() && parser_->http.is_done() && pending_.empty() &&
         parser_->http.keep_alive();
}

std::size_t ResponseReader::body_bytes() const { return parser_->http.get().body().bytes.size(); }

Response ResponseReader::take() {
  auto& message = parser_->http.get();
  Response made;
  made.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    made.headers.push_back(Header{std::string(field.name_string()), std::string(field.value())});
  }
  made.body = std::move(message.body().bytes);
  return made;
}

}  // namespace forager::net
