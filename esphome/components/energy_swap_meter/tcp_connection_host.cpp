#ifdef USE_HOST

#include "tcp_connection_host.h"

#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace esphome::energy_swap_meter {

namespace {

constexpr uint64_t RETRY_MS = 1000;
// The owner is not to be buried by a peer that sends faster than it is read.
constexpr size_t MOST_UNREAD = 1 << 16;

}  // namespace

bool Endpoint::parse(std::string_view text) {
  Endpoint read;
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = text.substr(0, at);
    const size_t colon = login.find(':');
    read.username = login.substr(0, colon);
    if (colon != std::string_view::npos)
      read.password = login.substr(colon + 1);
    text.remove_prefix(at + 1);
  }
  const size_t colon = text.rfind(':');
  if (colon == 0 || colon == std::string_view::npos)
    return false;
  read.host = text.substr(0, colon);
  const char *end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, read.port);
  if (error != std::errc() || rest != end || read.port == 0)
    return false;
  *this = std::move(read);
  return true;
}

bool TcpConnection::loop(uint64_t now_ms) {
  bool is_new = false;
  if (this->descriptor_ < 0) {
    if (now_ms < this->next_attempt_ms_)
      return false;
    this->next_attempt_ms_ = now_ms + RETRY_MS;
    this->open_();
  }
  if (this->descriptor_ >= 0 && !this->is_connected_)
    is_new = this->is_connected_ = this->has_opened_();
  if (this->is_connected_)
    this->receive_();
  if (this->is_connected_)
    this->flush_();
  return is_new && this->is_connected_;
}

void TcpConnection::send(std::string_view bytes) {
  if (!this->is_connected_)
    return;
  this->to_send_ += bytes;
  this->flush_();
}

void TcpConnection::close() {
  if (this->descriptor_ >= 0)
    ::close(this->descriptor_);
  this->descriptor_ = -1;
  this->is_connected_ = false;
  this->received_.clear();
  this->to_send_.clear();
}

void TcpConnection::open_() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo *found = nullptr;
  if (getaddrinfo(this->host_.c_str(), std::to_string(this->port_).c_str(), &hints, &found) != 0)
    return;
  this->descriptor_ = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (this->descriptor_ >= 0) {
    const int on = 1;
    setsockopt(this->descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(this->descriptor_, found->ai_addr, found->ai_addrlen) != 0 && errno != EINPROGRESS)
      this->close();
  }
  freeaddrinfo(found);
}

bool TcpConnection::has_opened_() {
  pollfd waiting{this->descriptor_, POLLOUT, 0};
  if (poll(&waiting, 1, 0) == 0)
    return false;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(this->descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
    return true;
  this->close();
  return false;
}

void TcpConnection::receive_() {
  char part[4096];
  while (this->received_.size() < MOST_UNREAD) {
    const ssize_t size = recv(this->descriptor_, part, sizeof(part), 0);
    if (size > 0) {
      this->received_.append(part, size);
    } else if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    } else {
      this->close();
      return;
    }
  }
}

void TcpConnection::flush_() {
  while (!this->to_send_.empty()) {
    const ssize_t size = ::send(this->descriptor_, this->to_send_.data(), this->to_send_.size(), MSG_NOSIGNAL);
    if (size > 0) {
      this->to_send_.erase(0, size);
    } else if (errno == EAGAIN || errno == EINTR) {
      return;
    } else {
      this->close();
      return;
    }
  }
}

}  // namespace esphome::energy_swap_meter

#endif  // USE_HOST
