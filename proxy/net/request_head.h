// The header of a request as bytes for the wire. Credentials go straight in, and the memory is
// wiped when it goes.
#pragma once

#include <string_view>

#include <openssl/crypto.h>

#include "base/bytes.h"
#include "base/result.h"
#include "net/message.h"
#include "net/proxy.h"
#include "net/url.h"

namespace forager::net {

class RequestHead {
 public:
  explicit RequestHead(Buffer bytes) : bytes_(std::move(bytes)) {}
  RequestHead(RequestHead&&) noexcept = default;
  RequestHead& operator=(RequestHead&&) = delete;
  ~RequestHead() {
    if (bytes_.capacity() != 0 && bytes_.data() != nullptr)
      OPENSSL_cleanse(bytes_.data(), bytes_.size());
  }
  std::string_view view() const { return bytes_.view(); }

 private:
  Buffer bytes_;
};

/// A request's own Host, Content-Length, Transfer-Encoding and Connection are left out.
/// Request line, Host, Content-Length and the request's own headers; no Accept-Encoding, no Expect.
/// A Fault names the header (never its value) that holds a line break or another control character.
Result<RequestHead> head_of(const Origin& origin, const Request& request);

/// CONNECT for a tunnel to `origin`.
RequestHead connect_head(const Origin& origin, const Proxy& proxy);

}  // namespace forager::net
