// OpenSSL's door to a socket that never raises SIGPIPE and keeps errno for the message.
#pragma once

#include <openssl/bio.h>

namespace forager::net {

/// What OpenSSL's side of a socket remembers of the last system call. Owned by the connection,
/// which outlives the BIO.
struct Wire {
  int fd = -1;
  int error = 0;     ///< errno
  bool eof = false;  ///< the peer closed its side
};

/// nullptr: no memory.
BIO* make_socket_bio(Wire& wire);

}  // namespace forager::net
