#include "admin/plain_http.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <optional>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include <boost/algorithm/string/predicate.hpp>
#include <fmt/format.h>

#include "base/time.h"

namespace forager::admin {

namespace {

constexpr std::size_t answer_max = 64U << 20U;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (fd_ >= 0) close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

struct Endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
};

std::string error_words(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "connection refused";
    case ETIMEDOUT:
      return "no answer in time";
    case ENOENT:
      return "no such socket";
    case ECONNRESET:
    case EPIPE:
      return "connection closed by the other side";
    default:
      return std::strerror(error);
  }
}

/// 0, or the errno: ETIMEDOUT at the deadline.
int wait_for(int fd, short events, Time deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return ETIMEDOUT;
    pollfd asked{fd, events, 0};
    const int ready = poll(&asked, 1, static_cast<int>(left.count()));
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

Result<std::vector<Endpoint>> endpoints_of_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return fault("the path of the unix socket is too long");
  path.copy(address.sun_path, path.size());
  Endpoint made;
  std::memcpy(&made.address, &address, sizeof address);
  made.size = sizeof address;
  return std::vector{made};
}

Result<std::vector<Endpoint>> endpoints_of(const PlainAddress& at) {
  if (!at.unix_path.empty()) return endpoints_of_unix(at.unix_path);
  std::vector<Endpoint> found;
  const bool local = at.host == "localhost";
  for (const std::string& name :
       local ? std::vector<std::string>{"127.0.0.1", "::1"} : std::vector{at.host}) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const int error = getaddrinfo(name.c_str(), std::to_string(at.port).c_str(), &hints, &list);
    if (error != 0)
      return fault(fmt::format("the name {} has no address ({})", name, gai_strerror(error)));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list, &freeaddrinfo);
    for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
      Endpoint made;
      std::memcpy(&made.address, one->ai_addr, one->ai_addrlen);
      made.size = one->ai_addrlen;
      found.push_back(made);
    }
  }
  return found;
}

struct Connected {
  Socket socket;
  int error = 0;  ///< errno; 0: it is connected
};

Connected connect_to(const Endpoint& to, Time deadline) {
  Socket made(socket(to.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  int error = 0;
  if (made.fd() < 0) return {std::move(made), errno};
  const auto* address = reinterpret_cast<const sockaddr*>(&to.address);
  if (connect(made.fd(), address, to.size) == 0) return {std::move(made), 0};
  if (errno != EINPROGRESS) return {std::move(made), errno};
  error = wait_for(made.fd(), POLLOUT, deadline);
  if (error == 0) {
    socklen_t size = sizeof error;
    getsockopt(made.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  }
  return {std::move(made), error};
}

/// 0 or the errno.
int send_all(const Socket& to, std::string_view bytes, Time deadline) {
  while (!bytes.empty()) {
    const auto sent = send(to.fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (const int error = wait_for(to.fd(), POLLOUT, deadline); error != 0) return error;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

/// Where an answer's body begins and how long it says it is.
struct Head {
  int status = 0;
  std::size_t size = 0;
  std::optional<std::size_t> body_size;
};

template <class Number>
std::optional<Number> number_in(std::string_view digits) {
  Number number{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

/// nullopt: not complete yet. Status 0: no HTTP at all.
std::optional<Head> head_of(std::string_view answer) {
  constexpr std::string_view end_mark = "\r\n\r\n";
  const auto end = answer.find(end_mark);
  if (end == answer.npos) return std::nullopt;
  Head head;
  head.size = end + end_mark.size();
  std::string_view rest = answer.substr(0, end);
  const std::string_view first = rest.substr(0, rest.find("\r\n"));
  if (first.starts_with("HTTP/1.") && first.size() >= 12)
    head.status = number_in<int>(first.substr(9, 3)).value_or(0);
  for (rest.remove_prefix(first.size()); rest.starts_with("\r\n");) {
    rest.remove_prefix(2);
    const std::string_view line = rest.substr(0, rest.find("\r\n"));
    rest.remove_prefix(line.size());
    const auto colon = line.find(':');
    if (colon == line.npos || !boost::algorithm::iequals(line.substr(0, colon), "content-length"))
      continue;
    std::string_view value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    head.body_size = number_in<std::size_t>(value);
  }
  return head;
}

struct Received {
  std::string bytes;
  int error = 0;
};

/// Reads until the answer says that it is complete, or the other side closes.
Received receive(const Socket& from, Time deadline) {
  Received all;
  char piece[4096];
  while (all.bytes.size() < answer_max) {
    const auto got = recv(from.fd(), piece, sizeof piece, 0);
    if (got == 0) return all;
    if (got > 0) {
      all.bytes.append(piece, static_cast<std::size_t>(got));
      const auto head = head_of(all.bytes);
      if (head && head->body_size && all.bytes.size() - head->size >= *head->body_size) return all;
    } else if (errno == EAGAIN) {
      all.error = wait_for(from.fd(), POLLIN, deadline);
      if (all.error != 0) return all;
    } else if (errno != EINTR) {
      all.error = errno;
      return all;
    }
  }
  return all;
}

std::string request_text(const PlainAddress& at, const PlainRequest& request) {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: forager/{}\r\nConnection: close\r\n",
                  request.method, request.target, at.unix_path.empty() ? at.text() : "localhost",
                  FORAGER_VERSION);
  if (!request.content_type.empty()) {
    text += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", request.content_type,
                        request.body.size());
  }
  text += "\r\n";
  return text.append(request.body);
}

}  // namespace

std::string PlainAddress::text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool six = host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", six ? "[" : "", host, six ? "]" : "", port);
}

Result<PlainResponse> plain_exchange(const PlainAddress& at, const PlainRequest& request,
                                     std::chrono::milliseconds limit) {
  const Time deadline = std::chrono::steady_clock::now() + limit;
  const auto endpoints = endpoints_of(at);
  if (!endpoints) return endpoints.error();
  const auto failed = [&](int error) {
    return fault(fmt::format("{} at {}", error_words(error), at.text()));
  };
  int first_error = 0;
  for (const Endpoint& endpoint : *endpoints) {
    const Connected connected = connect_to(endpoint, deadline);
    if (connected.error != 0) {
      if (first_error == 0) first_error = connected.error;
      continue;
    }
    // an error while sending may have an answer waiting (413 before the body was read), so reading
    // comes first
    const int send_error = send_all(connected.socket, request_text(at, request), deadline);
    const Received received = receive(connected.socket, deadline);
    const auto head = head_of(received.bytes);
    if (head && head->status != 0)
      return PlainResponse{head->status, received.bytes.substr(head->size)};
    if (received.error != 0) return failed(received.error);
    if (send_error != 0) return failed(send_error);
    return fault(fmt::format("what answers at {} does not speak HTTP", at.text()));
  }
  return failed(first_error);
}

}  // namespace forager::admin
