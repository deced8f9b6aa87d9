// What a server's certificate says to a person: who signed it, until when it holds, and whether
// that is a public authority, a company's own, or a proxy that opens TLS. Judging is pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "base/time.h"
#include "doctor/finding.h"

namespace forager::doctor {

struct Certificate {
  std::string version;     ///< "TLSv1.3"
  std::string signer;      ///< organisation or name of whoever issued it
  std::string root;        ///< the same of the root it ends at
  std::int64_t until = 0;  ///< seconds since 1970
};

/// Of a connection after its handshake; nullopt: the server showed none.
std::optional<Certificate> certificate_of(const SSL* ssl);

enum class Authority : std::uint8_t { known_public, own, intercepting };
/// By the names in it: a product that re-signs, else one of the public authorities, else somebody's
/// own.
Authority authority_of(std::string_view names);

/// `host` of a vendor that everybody knows has a public authority; another one means that somebody
/// between reads along, keys included.
Finding judge_certificate(std::string_view named, std::string_view host, const Certificate& shown,
                          WallTime now);
/// `why`: the words of the handshake that failed, with the issuer in them. `ca_setting`: where a CA
/// is named.
Finding judge_tls_failure(std::string_view named, std::string_view why,
                          std::string_view ca_setting);

}  // namespace forager::doctor
