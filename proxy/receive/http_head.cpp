#include "receive/http_head.h"

#include <algorithm>
#include <cstring>

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

namespace forager::receive {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;

std::string_view view_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool same(std::string_view a, std::string_view b) {
  return iequals(boost::beast::string_view(a.data(), a.size()),
                 boost::beast::string_view(b.data(), b.size()));
}

/// The app's own key and dataset (PROTOCOLS 2.1). Beast's table doesn't know these names.
void take_vendor_field(Head& head, std::string_view name, std::string_view value) {
  if (name.size() == 16 && same(name, "x-honeycomb-team")) {
    head.key.emplace(std::string(value));
  } else if (name.size() == 19 && same(name, "x-honeycomb-dataset")) {
    head.dataset.emplace(value);
  }
}

}  // namespace

std::optional<otlp::Encoding> encoding_of(std::string_view content_type) {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  if (same(type, "application/x-protobuf") || same(type, "application/protobuf")) {
    return otlp::Encoding::protobuf;
  }
  if (same(type, "application/json")) return otlp::Encoding::json;
  return std::nullopt;
}

bool GrowingBody::append(std::string_view more) {
  if (more.size() > limit_ - size_) {
    stop_ = Stop::too_large;
    return false;
  }
  const std::size_t needed = size_ + more.size();
  if (needed > bytes_.capacity()) {
    const std::size_t wanted = step(needed);
    // old and new are both there while it is copied
    if (!charge_.resize(bytes_.capacity() + wanted)) {
      stop_ = Stop::no_room;
      return false;
    }
    bytes_.resize(wanted);
    charge_.resize(wanted);
  }
  std::memcpy(bytes_.data() + size_, more.data(), more.size());
  size_ = needed;
  return true;
}

Buffer GrowingBody::take_body() {
  if (!bytes_.empty()) bytes_.shrink(size_);
  return std::move(bytes_);
}

HeadParser::HeadParser() {
  header_limit(limit);
  body_limit(boost::none);  // the session judges lengths, with an answer that says the limit
}

void HeadParser::on_request_impl(http::verb method, beast_view /*name*/, beast_view target,
                                 int version, error_code& /*ec*/) {
  head_.http_1_0 = version < 11;
  switch (method) {
    case http::verb::post:
      head_.method = Method::post;
      break;
    case http::verb::options:
      head_.method = Method::options;
      break;
    case http::verb::head:
      head_.method = Method::head;
      break;
    default:
      head_.method = Method::other;
      break;
  }
  head_.target.assign(target.data(), target.size());
}

void HeadParser::on_response_impl(int, beast_view, int, error_code&) {}

void HeadParser::on_field_impl(http::field name, beast_view name_text, beast_view value,
                               error_code& /*ec*/) {
  if (header_done_) return;  // a trailer: nothing in one concerns us
  const std::string_view text = view_of(value);
  switch (name) {
    case http::field::content_type:
      if (!head_.media_seen) head_.encoding = encoding_of(text);
      head_.media_seen = true;
      break;
    case http::field::content_encoding:
      // a second line would mean a second coding
      head_.coding = head_.coding_seen ? std::nullopt : content_coding_of(text);
      head_.coding_seen = true;
      break;
    case http::field::transfer_encoding:
      if (!same(trimmed(text), "chunked")) head_.transfer_unknown = true;
      break;
    case http::field::expect:
      (same(trimmed(text), "100-continue") ? head_.expects_continue : head_.expects_other) = true;
      break;
    case http::field::origin:
      head_.origin.assign(text);
      break;
    case http::field::access_control_request_method:
      head_.preflight = true;
      break;
    case http::field::access_control_request_headers:
      head_.requested_headers.assign(text);
      break;
    case http::field::unknown:
      take_vendor_field(head_, view_of(name_text), text);
      break;
    default:
      break;
  }
}

void HeadParser::on_header_impl(error_code& /*ec*/) {
  header_done_ = true;
  head_.chunked = chunked();
  if (const auto announced = content_length()) head_.length = *announced;
}

void HeadParser::on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) {}

std::size_t HeadParser::on_body_impl(beast_view body, error_code& /*ec*/) { return body.size(); }

void HeadParser::on_chunk_header_impl(std::uint64_t, beast_view, error_code&) {}

std::size_t HeadParser::on_chunk_body_impl(std::uint64_t /*left*/, beast_view body,
                                           error_code& ec) {
  if (body_ != nullptr && !body_->append(view_of(body))) ec = http::error::body_limit;
  return body.size();
}

void HeadParser::on_finish_impl(error_code& /*ec*/) {}

}  // namespace forager::receive
