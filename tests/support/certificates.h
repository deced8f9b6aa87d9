// A certificate authority made on the spot, and certificates it signs: for tests that speak TLS.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "support/temp_folder.h"

namespace forager::test {

struct FreeX509 {
  void operator()(X509* p) const { X509_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
};
using Certificate = std::unique_ptr<X509, FreeX509>;
using Key = std::unique_ptr<EVP_PKEY, FreeX509>;

struct Identity {
  Key key;
  Certificate certificate;
};

/// Certificate and key as PEM files in `folder`: "NAME.pem", "NAME.key".
inline void write_identity(const Identity& of, const std::string& folder, const std::string& name) {
  FILE* const certificate = std::fopen((folder + "/" + name + ".pem").c_str(), "w");
  PEM_write_X509(certificate, of.certificate.get());
  std::fclose(certificate);
  FILE* const key = std::fopen((folder + "/" + name + ".key").c_str(), "w");
  PEM_write_PrivateKey(key, of.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(key);
}

/// Writes its own certificate to a file that lives as long as it does.
class Authority {
 public:
  explicit Authority(const std::string& name = "Forager Test CA") {
    root_.key = Key(EVP_EC_gen("P-256"));
    root_.certificate = make(name, root_.key.get(), 1);
    extend(root_.certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    sign(root_.certificate.get(), root_);
    FILE* const file = std::fopen(path_.c_str(), "w");
    PEM_write_X509(file, root_.certificate.get());
    std::fclose(file);
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  const std::string& file() const { return path_; }
  /// `names` as in OpenSSL's configuration: "DNS:localhost,IP:127.0.0.1".
  Identity issue(const std::string& names, long valid_seconds = 3600) const {
    Identity made{Key(EVP_EC_gen("P-256")), nullptr};
    made.certificate = make("leaf", made.key.get(), ++serial_, valid_seconds);
    X509_set_issuer_name(made.certificate.get(), X509_get_subject_name(root_.certificate.get()));
    extend(made.certificate.get(), NID_subject_alt_name, names.c_str());
    sign(made.certificate.get(), root_);
    return made;
  }

 private:
  static Certificate make(const std::string& name, EVP_PKEY* key, long serial, long valid = 3600) {
    Certificate made(X509_new());
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), -7200);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), valid);
    X509_set_pubkey(made.get(), key);
    X509_NAME* const subject = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), subject);
    return made;
  }
  static void extend(X509* certificate, int what, const char* value) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static void sign(X509* certificate, const Identity& by) {
    X509_sign(certificate, by.key.get(), EVP_sha256());
  }

  TempFolder folder_;
  std::string path_ = folder_.path() + "/ca.pem";
  Identity root_;
  mutable long serial_ = 1;
};

}  // namespace forager::test
