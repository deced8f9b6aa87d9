// The TLS client context all destinations share: verified, TLS 1.2 at least, HTTP/1.1 by ALPN,
// sessions kept for resumption. It is made at the first connect and not before, because a CA bundle
// costs 36 ms and 1.3 MiB.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <openssl/ssl.h>

#include "base/async.h"
#include "base/result.h"

namespace forager::net {

struct FreeSsl {
  void operator()(SSL_CTX* p) const { SSL_CTX_free(p); }
  void operator()(SSL* p) const { SSL_free(p); }
  void operator()(SSL_SESSION* p) const { SSL_SESSION_free(p); }
};
using SslContext = std::unique_ptr<SSL_CTX, FreeSsl>;
using Ssl = std::unique_ptr<SSL, FreeSsl>;

/// What one TLS connection notes while OpenSSL calls back, and the session of its origin, which
/// connections share.
struct TlsNotes {
  struct Session {
    std::unique_ptr<SSL_SESSION, FreeSsl> latest;
  };
  std::shared_ptr<Session> session;
  int verify_error = X509_V_OK;
  std::string issuer;  ///< of the certificate that failed, for the message
};

/// PEM files; all may be empty.
struct TlsFiles {
  std::string ca{};                          ///< empty: the system's store
  std::string ca_setting = "SSL_CERT_FILE";  ///< who named it, for messages
  std::string certificate{};                 ///< ours, with its chain, for who asks for one
  std::string private_key{};                 ///< of `certificate`
};

/// io thread; lives as long as the transports that use it.
class Tls {
 public:
  /// Where the system has a hashed directory, only the certificates that are asked for are read.
  Tls(asio::any_io_executor executor, asio::thread_pool& pool, TlsFiles files);

  /// The context, loaded once on the pool. A failure (no such file) is given again only after
  /// another try to load.
  asio::awaitable<Result<SSL_CTX*>> ready();
  /// The issuer was not found: also loads the system's bundle file, once. Some images append their
  /// own CA to that alone. True: something was added, so try again.
  asio::awaitable<bool> widen();
  /// Reads the files again, for the connections from now on; whoever keeps connections or sessions
  /// forgets them then. False: nothing was loaded yet, so the first connect reads them. With a
  /// Fault, which names the file, all stays as it was.
  asio::awaitable<Result<bool>> reload();
  const TlsFiles& files() const { return files_; }

 private:
  asio::thread_pool& pool_;
  TlsFiles files_;
  Event loaded_;
  SslContext context_;
  bool loading_ = false;
  bool widened_ = false;
};

/// A client connection for `host` (name or address), with the notes reachable from the callbacks;
/// both outlive the SSL.
Ssl make_client(SSL_CTX* context, const std::string& host, TlsNotes& notes);

/// In words, from OpenSSL's error queue and the notes; empties the queue.
std::string tls_failure(const TlsNotes& notes);

}  // namespace forager::net
