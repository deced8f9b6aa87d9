#include "net/tls.h"

#include <array>
#include <filesystem>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace forager::net {
namespace {

namespace fs = std::filesystem;

/// Where distributions keep their CA certificates in one file.
constexpr std::array bundle_files{"/etc/ssl/certs/ca-certificates.crt",
                                  "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                  "/etc/ssl/cert.pem"};
constexpr std::string_view hashed_directory = "/etc/ssl/certs";

TlsNotes* notes_of(const SSL* ssl) { return static_cast<TlsNotes*>(SSL_get_app_data(ssl)); }

int on_verify(int ok, X509_STORE_CTX* store) {
  if (ok == 1) return ok;
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsNotes* const notes = notes_of(ssl);
  if (notes == nullptr || notes->verify_error != X509_V_OK) return ok;
  notes->verify_error = X509_STORE_CTX_get_error(store);
  if (X509* const failed = X509_STORE_CTX_get_current_cert(store); failed != nullptr) {
    std::array<char, 256> name{};
    X509_NAME_oneline(X509_get_issuer_name(failed), name.data(), static_cast<int>(name.size()));
    notes->issuer = name.data();
  }
  return ok;
}

int on_session(SSL* ssl, SSL_SESSION* session) {
  TlsNotes* const notes = notes_of(ssl);
  if (notes == nullptr || notes->session == nullptr) return 0;
  notes->session->latest.reset(session);
  return 1;  // the reference is ours now
}

std::string queue_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown TLS error";
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : fmt::format("TLS error {:x}", code);
}

bool has_hashed_entries(const fs::path& directory) {
  std::error_code ec;
  for (fs::directory_iterator at(directory, ec), end; !ec && at != end; at.increment(ec)) {
    if (at->path().extension() == ".0") return true;
  }
  return false;
}

const char* bundle_file() {
  for (const char* const file : bundle_files) {
    std::error_code ec;
    if (fs::exists(file, ec)) return file;
  }
  return nullptr;
}

/// The system's certificates: a hashed directory costs nothing until one is asked for, so it comes
/// first.
std::optional<Fault> trust_system(SSL_CTX* context) {
  SSL_CTX_set_default_verify_paths(context);  // also SSL_CERT_DIR; what does not exist is no error
  if (has_hashed_entries(X509_get_default_cert_dir())) return std::nullopt;
  if (has_hashed_entries(hashed_directory)) {
    SSL_CTX_load_verify_dir(context, hashed_directory.data());
    return std::nullopt;
  }
  const char* const bundle = bundle_file();
  if (bundle != nullptr && SSL_CTX_load_verify_file(context, bundle) == 1) return std::nullopt;
  ERR_clear_error();
  return fault("no CA certificates on this system: install ca-certificates or set SSL_CERT_FILE");
}

/// A key that needs a passphrase: OpenSSL would ask for it at the terminal, and wait.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return -1; }

/// Who we are, for a server that asks.
std::optional<Fault> show_us(SSL_CTX* context, const TlsFiles& files) {
  if (files.certificate.empty()) return std::nullopt;
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1) {
    return fault(fmt::format("cannot load the client certificate from {}: {}", files.certificate,
                             queue_reason()));
  }
  SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (SSL_CTX_use_PrivateKey_file(context, files.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fault(
        fmt::format("cannot load the client certificate's key (without a passphrase) from "
                    "{}: {}",
                    files.private_key, queue_reason()));
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    ERR_clear_error();
    return fault(fmt::format("the key in {} is not that of the client certificate in {}",
                             files.private_key, files.certificate));
  }
  return std::nullopt;
}

Result<SSL_CTX*> load(const TlsFiles& files) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return fault(fmt::format("OpenSSL could not start: {}", queue_reason()));
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, on_verify);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), on_session);
  constexpr std::array<unsigned char, 9> http11{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context.get(), http11.data(), static_cast<unsigned>(http11.size()));
  if (auto wrong = show_us(context.get(), files)) return *wrong;
  if (!files.ca.empty()) {
    if (SSL_CTX_load_verify_file(context.get(), files.ca.c_str()) != 1) {
      return fault(fmt::format("cannot load CA certificates from {} ({}): {}", files.ca,
                               files.ca_setting, queue_reason()));
    }
  } else if (auto none = trust_system(context.get())) {
    return *none;
  }
  return context.release();
}

}  // namespace

Tls::Tls(asio::any_io_executor executor, asio::thread_pool& pool, TlsFiles files)
    : pool_(pool), files_(std::move(files)), loaded_(std::move(executor)) {}

asio::awaitable<Result<SSL_CTX*>> Tls::ready() {
  while (loading_) {
    co_await loaded_.wait();
  }
  if (context_ != nullptr) co_return context_.get();
  loading_ = true;
  auto work = [files = files_] { return load(files); };
  auto made = co_await offload(pool_, std::move(work));
  loading_ = false;
  loaded_.notify_all();
  if (made) context_.reset(*made);
  co_return made;
}

asio::awaitable<Result<bool>> Tls::reload() {
  while (loading_) {
    co_await loaded_.wait();
  }
  if (context_ == nullptr) co_return false;
  loading_ = true;
  auto work = [files = files_] { return load(files); };
  auto made = co_await offload(pool_, std::move(work));
  loading_ = false;
  loaded_.notify_all();
  if (!made) co_return made.error();
  context_.reset(*made);  // connections hold the old one for as long as they need it
  widened_ = false;
  co_return true;
}

asio::awaitable<bool> Tls::widen() {
  const char* const bundle = bundle_file();
  if (widened_ || !files_.ca.empty() || context_ == nullptr || bundle == nullptr) co_return false;
  widened_ = true;
  SSL_CTX_up_ref(context_.get());  // it may be replaced meanwhile
  auto work = [context = std::shared_ptr<SSL_CTX>(context_.get(), FreeSsl()), bundle] {
    const bool added = SSL_CTX_load_verify_file(context.get(), bundle) == 1;
    ERR_clear_error();
    return added;
  };
  co_return co_await offload(pool_, std::move(work));
}

Ssl make_client(SSL_CTX* context, const std::string& host, TlsNotes& notes) {
  Ssl ssl(SSL_new(context));
  if (ssl == nullptr) return ssl;
  SSL_set_app_data(ssl.get(), &notes);
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  if (not_an_address) {
    SSL_set_tlsext_host_name(ssl.get(), host.c_str());
    SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(ssl.get(), host.c_str()) != 1) return nullptr;
  } else if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str()) != 1) {
    return nullptr;
  }
  if (notes.session != nullptr && notes.session->latest != nullptr) {
    SSL_set_session(ssl.get(), notes.session->latest.get());
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

std::string tls_failure(const TlsNotes& notes) {
  if (notes.verify_error == X509_V_OK) return queue_reason();
  ERR_clear_error();
  const char* const reason = X509_verify_cert_error_string(notes.verify_error);
  if (notes.verify_error == X509_V_ERR_HOSTNAME_MISMATCH ||
      notes.verify_error == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    return fmt::format("the certificate is for another host ({})", reason);
  }
  if (notes.verify_error == X509_V_ERR_CERT_HAS_EXPIRED ||
      notes.verify_error == X509_V_ERR_CERT_NOT_YET_VALID) {
    return fmt::format("certificate verify failed: {}, issuer {}; check this machine's clock",
                       reason, notes.issuer);
  }
  return fmt::format(
      "certificate verify failed: {}, issuer {}; set SSL_CERT_FILE if a proxy re-signs", reason,
      notes.issuer);
}

}  // namespace forager::net
