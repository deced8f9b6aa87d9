// The destination of the bench: a TLS server that answers 200 to every OTLP/HTTP request and counts
// exactly: requests, wire bytes, spans after decompression. One blocking thread a connection.
// Writes its certificate to a file, its port to stdout, its totals for each line on stdin; the line
// "up" makes one that began --down listen.
#include <arpa/inet.h>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <protozero/pbf_reader.hpp>

#include "base/inflate.h"

namespace {

std::atomic<std::uint64_t> requests{0}, wire_bytes{0}, spans{0}, undecodable{0};

void identify(SSL_CTX* context, const std::string& certificate_file) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_set_version(certificate, 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("bench sink"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509V3_CTX extension_context;
  X509V3_set_ctx(&extension_context, certificate, certificate, nullptr, nullptr, 0);
  for (const auto& [id, value] : {std::pair{NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"},
                                  std::pair{NID_basic_constraints, "critical,CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &extension_context, id, value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(certificate, key, EVP_sha256());
  SSL_CTX_use_certificate(context, certificate);
  SSL_CTX_use_PrivateKey(context, key);
  if (std::FILE* file = std::fopen(certificate_file.c_str(), "w")) {
    PEM_write_X509(file, certificate);
    std::fclose(file);
  }
}

std::uint64_t spans_in(std::string_view body) {
  std::uint64_t count = 0;
  protozero::pbf_reader request(body.data(), body.size());
  while (request.next(1)) {
    protozero::pbf_reader resource_spans = request.get_message();
    while (resource_spans.next(2)) {
      protozero::pbf_reader scope_spans = resource_spans.get_message();
      while (scope_spans.next(2)) {
        scope_spans.skip();
        ++count;
      }
    }
  }
  return count;
}

void count(std::string_view coding, std::string_view body) {
  ++requests;
  wire_bytes += body.size();
  const auto known = forager::content_coding_of(coding);
  auto plain =
      forager::inflate(known.value_or(forager::ContentCoding::identity), body, 256U << 20U);
  if (const auto* bytes = std::get_if<forager::Buffer>(&plain)) {
    try {
      spans += spans_in(bytes->view());
      return;
    } catch (const protozero::exception&) {
    }
  }
  ++undecodable;
}

std::string_view header(std::string_view head, std::string_view name) {
  for (std::size_t at = 0; (at = head.find("\r\n", at)) != std::string_view::npos; at += 2) {
    const std::string_view line = head.substr(at + 2);
    if (line.size() > name.size() && line[name.size()] == ':' &&
        ::strncasecmp(line.data(), name.data(), name.size()) == 0) {
      std::string_view value = line.substr(name.size() + 1);
      value = value.substr(0, value.find("\r\n"));
      value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
      return value;
    }
  }
  return {};
}

/// Takes one whole message off the front of `in`; false: more bytes are needed.
bool take(std::string& in) {
  const auto end = in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string head = in.substr(0, end);
  std::string body;
  std::size_t used = end + 4;
  if (const auto length = header(head, "content-length"); !length.empty()) {
    const std::size_t size = std::strtoul(std::string(length).c_str(), nullptr, 10);
    if (in.size() < used + size) return false;
    body = in.substr(used, size);
    used += size;
  } else {
    for (;;) {  // chunked
      const auto line = in.find("\r\n", used);
      if (line == std::string::npos) return false;
      const std::size_t size = std::strtoul(in.c_str() + used, nullptr, 16);
      if (in.size() < line + 2 + size + 2) return false;
      body.append(in, line + 2, size);
      used = line + 2 + size + 2;
      if (size == 0) break;
    }
  }
  count(header(head, "content-encoding"), body);
  in.erase(0, used);
  return true;
}

void serve(SSL_CTX* context, int fd) {
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  if (SSL_accept(ssl) == 1) {
    static constexpr std::string_view ok =
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";
    std::string in;
    char buffer[65536];
    for (int got = 0; (got = SSL_read(ssl, buffer, sizeof buffer)) > 0;) {
      in.append(buffer, static_cast<std::size_t>(got));
      while (take(in)) SSL_write(ssl, ok.data(), static_cast<int>(ok.size()));
    }
  }
  SSL_free(ssl);
  ::close(fd);
}

void listen_on(int listener, SSL_CTX* context) {
  if (::listen(listener, 64) != 0) std::exit(1);
  std::thread([listener, context] {
    for (;;) {
      const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      std::thread(serve, context, fd).detach();
    }
  }).detach();
}

}  // namespace

int main(int argc, char** argv) {
  std::string certificate_file = "sink.pem";
  bool down = false;
  CLI::App app{"TLS destination of Forager's bench"};
  app.add_option("--certificate", certificate_file, "where to write the certificate to trust")
      ->required();
  app.add_flag("--down", down, "hold the port but refuse connections until told \"up\"");
  CLI11_PARSE(app, argc, argv);

  std::signal(SIGPIPE, SIG_IGN);  // who is answered may have been killed
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  identify(context, certificate_file);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&at), size) != 0) return 1;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  if (!down) listen_on(listener, context);
  fmt::print("{}\n", ntohs(at.sin_port));
  std::fflush(stdout);

  for (std::string line; std::getline(std::cin, line);) {
    if (line == "up") listen_on(listener, context);
    fmt::print("{{\"requests\":{},\"wire_bytes\":{},\"spans\":{},\"undecodable\":{}}}\n",
               requests.load(), wire_bytes.load(), spans.load(), undecodable.load());
    std::fflush(stdout);
  }
  std::_Exit(0);
}
