#include "net/request_head.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <fmt/format.h>

namespace forager::net {
namespace {

/// Names and values in order, counted before they are written, so that no growing leaves a copy of
/// a secret behind.
class HeadWriter {
 public:
  void add(std::string_view piece) {
    pieces_.push_back(piece);
    size_ += piece.size();
  }
  void line(std::string_view name, std::string_view value) {
    add(name);
    add(": ");
    add(value);
    add("\r\n");
  }
  RequestHead write() {
    add("\r\n");
    Buffer made(size_);
    char* to = made.data();
    for (const std::string_view piece : pieces_) to = std::copy(piece.begin(), piece.end(), to);
    return RequestHead(std::move(made));
  }

 private:
  std::vector<std::string_view> pieces_;
  std::size_t size_ = 0;
};

bool is_value_char(char c) { return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\t'; }
bool is_name_char(char c) { return c > 0x20 && c < 0x7f && c != ':'; }

/// Ours to say, whatever the request has (SigV4 signs a host of its own making: the same).
bool is_framing(std::string_view name) {
  const auto is = [name](std::string_view known) {
    return std::equal(name.begin(), name.end(), known.begin(), known.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  };
  return is("host") || is("content-length") || is("transfer-encoding") || is("connection");
}

std::optional<Fault> unfit(std::string_view name, std::string_view value) {
  if (name.empty() || !std::all_of(name.begin(), name.end(), is_name_char)) {
    return fault("a header name of a request holds a character that no name may have");
  }
  if (!std::all_of(value.begin(), value.end(), is_value_char)) {
    return fault(
        fmt::format("the value for header {} holds a line break or control character; is there a "
                    "stray newline in its setting or file?",
                    name));
  }
  return std::nullopt;
}

}  // namespace

Result<RequestHead> head_of(const Origin& origin, const Request& request) {
  const auto plain = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(request.target.begin(), request.target.end(), plain)) {
    return fault("the path of the request holds a space or a control character");
  }
  for (const Header& h : request.headers) {
    if (auto bad = unfit(h.name, h.value)) return *bad;
  }
  for (const auto& [name, value] : request.secret_headers) {
    if (auto bad = unfit(name, value.reveal())) return *bad;
  }
  const std::string host = origin.authority();
  const std::string length = std::to_string(request.body.size());
  HeadWriter out;
  for (const std::string_view piece :
       {std::string_view(request.method), std::string_view(" "), std::string_view(origin.prefix),
        std::string_view(request.target), std::string_view(" HTTP/1.1\r\n")}) {
    out.add(piece);
  }
  out.line("Host", host);
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    out.line("Content-Length", length);
  }
  for (const Header& h : request.headers) {
    if (!is_framing(h.name)) out.line(h.name, h.value);
  }
  for (const auto& [name, value] : request.secret_headers) out.line(name, value.reveal());
  return out.write();
}

RequestHead connect_head(const Origin& origin, const Proxy& proxy) {
  const std::string target = origin.endpoint();
  HeadWriter out;
  out.add("CONNECT ");
  out.add(target);
  out.add(" HTTP/1.1\r\n");
  out.line("Host", target);
  if (!proxy.basic.empty()) {
    out.add("Proxy-Authorization: Basic ");
    out.add(proxy.basic.reveal());
    out.add("\r\n");
  }
  return out.write();
}

}  // namespace forager::net
