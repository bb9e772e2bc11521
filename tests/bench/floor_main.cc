// bench_floor <port> <folder>: the least that any broker must do, to compare with. One epoll thread
// reads the requests that bench_load sends, checks the CRC32C of batches, writes them to the page
// cache, answers; or sends with sendfile. No validation beyond that, no metadata, no durability.
#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/client_socket.h"
#include "bench/floor_log.h"
#include "bench/wire.h"

namespace barnabas::bench {
namespace {

constexpr std::size_t kScratchBytes = std::size_t{128} << 10U;
constexpr int kSocketBufferBytes = 100 * 1024;

// Reads a request without checking anything: bench_load is the only client.
class Request {
 public:
  explicit Request(MutableBytes bytes) : bytes_(bytes) {}
  template <typename T>
  T get() {
    const T value = load_be<T>(bytes_.data());
    skip(sizeof(T));
    return value;
  }
  void skip(std::size_t count) { bytes_ = bytes_.subspan(count); }
  MutableBytes take(std::size_t count) {
    const MutableBytes taken = bytes_.first(count);
    skip(count);
    return taken;
  }
  std::uint32_t uvarint() {
    std::uint32_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = get<std::uint8_t>();
      value |= static_cast<std::uint32_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
  }
  std::string_view string() {
    const auto length = get<std::int16_t>();
    return as_text(take(static_cast<std::size_t>(std::max<std::int16_t>(length, 0))));
  }
  std::string_view compact_string() {
    const std::uint32_t length = uvarint();
    return as_text(take(length > 0 ? length - 1 : 0));
  }

 private:
  MutableBytes bytes_;
};

struct FileToSend {
  std::size_t after = 0;  // output bytes that go before it
  int fd = -1;
  std::uint64_t position = 0;
  std::uint64_t length = 0;
};

struct Peer {
  explicit Peer(int socket) : fd(socket) {}
  ~Peer() { ::close(fd); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  const int fd;
  ByteVector partial;
  std::size_t partial_have = 0;  // of a partial frame of partial.size() bytes, or 0
  ByteVector output;
  std::size_t sent = 0;
  std::deque<FileToSend> files;
  bool wants_write = false;
};

struct WaitingFetch {
  Peer* peer;
  std::int32_t correlation;
  std::int64_t offset;
  std::int32_t max_bytes;
};

class Floor {
 public:
  Floor(std::uint16_t port, std::string folder);
  [[noreturn]] void run();

 private:
  struct Topic {
    std::vector<FloorPartition> partitions;
    std::map<std::int32_t, std::vector<WaitingFetch>> waiting;
  };

  void accept_one();
  void forget(Peer& peer);
  bool read(Peer& peer);  // false: closed
  std::size_t handle_frames(Peer& peer, MutableBytes bytes);
  void handle(Peer& peer, MutableBytes frame);
  void produce(Peer& peer, Request& in, std::int32_t correlation);
  void fetch(Peer& peer, Request& in, std::int32_t correlation);
  void answer_fetch(const std::string& name, Topic& topic, std::int32_t index,
                    const WaitingFetch& waiting);
  void create_topic(Peer& peer, Request& in, std::int32_t correlation);
  void metadata(Peer& peer, Request& in, std::int16_t version, std::int32_t correlation);
  void end_train(Peer& peer);
  void flush(Peer& peer);
  static bool send_all(Peer& peer);
  static void send(Peer& peer, Encoder& answer);

  std::uint16_t port_;
  std::string folder_;
  int listener_;
  int epoll_;
  ByteVector scratch_{std::vector<std::byte>(kScratchBytes)};
  std::map<int, std::unique_ptr<Peer>> peers_;
  std::map<std::string, Topic, std::less<>> topics_;
  std::set<std::pair<std::string, std::int32_t>> written_;  // in this train
  std::string last_name_;
  Topic* last_topic_ = nullptr;
};

Floor::Floor(std::uint16_t port, std::string folder)
    : port_(port),
      folder_(std::move(folder)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  const int one = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  ::setsockopt(listener_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  const int size = kSocketBufferBytes;
  ::setsockopt(listener_, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
  ::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(listener_, 1024) != 0) {
    throw std::runtime_error(fmt::format("cannot listen on {}: {}", port, std::strerror(errno)));
  }
  epoll_event event{};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
}

void Floor::run() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      auto* peer = static_cast<Peer*>(event.data.ptr);
      if (peer == nullptr) {
        accept_one();
      } else if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) {
        forget(*peer);
      } else {
        if ((event.events & EPOLLOUT) != 0) {
          flush(*peer);
        }
        if ((event.events & EPOLLIN) != 0 && !read(*peer)) {
          forget(*peer);
        }
      }
    }
  }
}

void Floor::accept_one() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    return;
  }
  auto peer = std::make_unique<Peer>(fd);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = peer.get();
  ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  peers_.emplace(fd, std::move(peer));
}

void Floor::forget(Peer& peer) {
  for (auto& [name, topic] : topics_) {
    for (auto& [index, waiting] : topic.waiting) {
      std::erase_if(waiting, [&](const WaitingFetch& one) { return one.peer == &peer; });
    }
  }
  peers_.erase(peer.fd);
}

bool Floor::read(Peer& peer) {
  if (peer.partial_have > 0) {
    const ssize_t n = ::recv(peer.fd, peer.partial.data() + peer.partial_have,
                             peer.partial.size() - peer.partial_have, 0);
    if (n <= 0) {
      return n < 0 && errno == EAGAIN;
    }
    peer.partial_have += static_cast<std::size_t>(n);
    if (peer.partial_have == peer.partial.size()) {
      peer.partial_have = 0;
      handle(peer, MutableBytes(peer.partial).subspan(4));
      end_train(peer);
    }
    return true;
  }
  const ssize_t n = ::recv(peer.fd, scratch_.data(), scratch_.size(), 0);
  if (n <= 0) {
    return n < 0 && errno == EAGAIN;
  }
  const MutableBytes bytes(scratch_.data(), static_cast<std::size_t>(n));
  const std::size_t used = handle_frames(peer, bytes);
  end_train(peer);
  const MutableBytes rest = bytes.subspan(used);
  if (!rest.empty()) {
    // A length that is cut is read to its end: bench_load has sent the rest already.
    std::array<std::byte, 4> length;
    std::memcpy(length.data(), rest.data(), std::min<std::size_t>(4, rest.size()));
    for (std::size_t have = rest.size(); have < 4;) {
      const ssize_t more = ::recv(peer.fd, length.data() + have, 4 - have, 0);
      have += more > 0 ? static_cast<std::size_t>(more) : 0;
    }
    peer.partial.resize(4 + static_cast<std::size_t>(load_be<std::int32_t>(length.data())));
    std::memcpy(peer.partial.data(), length.data(), 4);
    std::memcpy(peer.partial.data(), rest.data(), rest.size());
    peer.partial_have = std::max<std::size_t>(4, rest.size());
  }
  return true;
}

std::size_t Floor::handle_frames(Peer& peer, MutableBytes bytes) {
  std::size_t at = 0;
  while (bytes.size() - at >= 4) {
    const auto length = static_cast<std::size_t>(load_be<std::int32_t>(bytes.data() + at));
    if (bytes.size() - at < 4 + length) {
      break;
    }
    handle(peer, bytes.subspan(at + 4, length));
    at += 4 + length;
  }
  return at;
}

void Floor::handle(Peer& peer, MutableBytes frame) {
  Request in(frame);
  const auto api = in.get<std::int16_t>();
  const auto version = in.get<std::int16_t>();
  const auto correlation = in.get<std::int32_t>();
  in.string();
  switch (api) {
    case 0:
      in.uvarint();
      return produce(peer, in, correlation);
    case 1:
      return fetch(peer, in, correlation);
    case 3:
      return metadata(peer, in, version, correlation);
    case 18: {
      // As many keys as Kafka names, so that the answer is as long.
      Encoder out;
      out.put<std::int32_t>(0).put(correlation).put<std::int16_t>(0).uvarint(61);
      for (std::int16_t key = 0; key < 60; ++key) {
        out.put(key).put<std::int16_t>(0).put<std::int16_t>(9).uvarint(0);
      }
      out.put<std::int32_t>(0).uvarint(0);
      return send(peer, out);
    }
    case 19:
      return create_topic(peer, in, correlation);
    default:
      throw std::runtime_error(fmt::format("the floor knows no API {}", api));
  }
}

void Floor::send(Peer& peer, Encoder& answer) {
  store_be(answer.bytes().data(), static_cast<std::int32_t>(answer.bytes().size() - 4));
  peer.output.insert(peer.output.end(), answer.bytes().begin(), answer.bytes().end());
}

void Floor::produce(Peer& peer, Request& in, std::int32_t correlation) {
  in.compact_string();
  in.skip(2 + 4);
  in.uvarint();
  const std::string_view name = in.compact_string();
  if (last_topic_ == nullptr || name != last_name_) {
    last_topic_ = &topics_.find(name)->second;
    last_name_ = name;
  }
  const std::uint32_t count = in.uvarint();
  Encoder out;
  out.bytes().reserve(64 + count * 32);
  out.put<std::int32_t>(0).put(correlation).uvarint(0);
  out.uvarint(2).compact_string(name).uvarint(count);
  for (std::uint32_t i = 1; i < count; ++i) {
    const auto index = in.get<std::int32_t>();
    const std::uint32_t size = in.uvarint() - 1;
    const std::int64_t base =
        last_topic_->partitions[static_cast<std::size_t>(index)].append(in.take(size));
    in.uvarint();
    written_.emplace(last_name_, index);
    out.put(index).put<std::int16_t>(base < 0 ? 2 : 0).put(base);
    out.put<std::int64_t>(-1).put<std::int64_t>(0).uvarint(1).uvarint(0).uvarint(0);
  }
  out.uvarint(0).put<std::int32_t>(0).uvarint(0);
  send(peer, out);
}

void Floor::fetch(Peer& peer, Request& in, std::int32_t correlation) {
  in.skip(4 + 4 + 4 + 4 + 1 + 4 + 4 + 4);
  const std::string name(in.string());
  in.skip(4);
  const auto index = in.get<std::int32_t>();
  in.skip(4);
  const auto offset = in.get<std::int64_t>();
  in.skip(8);
  const auto max_bytes = in.get<std::int32_t>();
  Topic& topic = topics_.find(name)->second;
  const WaitingFetch waiting{&peer, correlation, offset, max_bytes};
  if (offset >= topic.partitions[static_cast<std::size_t>(index)].end_offset()) {
    topic.waiting[index].push_back(waiting);
  } else {
    answer_fetch(name, topic, index, waiting);
  }
}

void Floor::answer_fetch(const std::string& name, Topic& topic, std::int32_t index,
                         const WaitingFetch& waiting) {
  const FloorPartition& partition = topic.partitions[static_cast<std::size_t>(index)];
  const auto [position, available] = partition.find(waiting.offset);
  const auto length =
      std::min<std::uint64_t>(available, static_cast<std::uint64_t>(waiting.max_bytes));
  Encoder out;
  out.put<std::int32_t>(0).put(waiting.correlation).put<std::int32_t>(0).put<std::int16_t>(0);
  out.put<std::int32_t>(0).put<std::int32_t>(1).string(name).put<std::int32_t>(1);
  out.put(index).put<std::int16_t>(0).put(partition.end_offset()).put(partition.end_offset());
  out.put<std::int64_t>(0).put<std::int32_t>(-1).put<std::int32_t>(-1);
  out.put(static_cast<std::int32_t>(length));
  store_be(out.bytes().data(), static_cast<std::int32_t>(out.bytes().size() - 4 + length));
  Peer& peer = *waiting.peer;
  peer.output.insert(peer.output.end(), out.bytes().begin(), out.bytes().end());
  peer.files.push_back({peer.output.size(), partition.fd(), position, length});
}

void Floor::create_topic(Peer& peer, Request& in, std::int32_t correlation) {
  in.skip(4);
  const std::string name(in.string());
  const auto count = in.get<std::int32_t>();
  Topic& topic = topics_[name];
  for (auto p = static_cast<std::int32_t>(topic.partitions.size()); p < count; ++p) {
    topic.partitions.emplace_back(fmt::format("{}/{}-{}", folder_, name, p));
  }
  Encoder out;
  out.put<std::int32_t>(0).put(correlation).put<std::int32_t>(0);
  out.put<std::int32_t>(1).string(name).put<std::int16_t>(0).put<std::int16_t>(-1);
  send(peer, out);
}

// Versions 1 (whoever waits for the floor to be there) and 4 (bench_load).
void Floor::metadata(Peer& peer, Request& in, std::int16_t version, std::int32_t correlation) {
  const auto asked = in.get<std::int32_t>();
  Encoder out;
  out.put<std::int32_t>(0).put(correlation);
  if (version > 1) {
    out.put<std::int32_t>(0);
  }
  out.put<std::int32_t>(1).put<std::int32_t>(0).string("127.0.0.1");
  out.put(static_cast<std::int32_t>(port_)).put<std::int16_t>(-1);
  if (version > 1) {
    out.put<std::int16_t>(-1);
  }
  out.put<std::int32_t>(0);
  out.put(std::max(asked, 0));
  for (std::int32_t i = 0; i < asked; ++i) {
    const std::string name(in.string());
    const auto found = topics_.find(name);
    const std::size_t count = found == topics_.end() ? 0 : found->second.partitions.size();
    out.put<std::int16_t>(count == 0 ? 3 : 0).string(name).put<std::int8_t>(0);
    out.put(static_cast<std::int32_t>(count));
    for (std::size_t p = 0; p < count; ++p) {
      out.put<std::int16_t>(0).put(static_cast<std::int32_t>(p)).put<std::int32_t>(0);
      for (int list = 0; list < 2; ++list) {
        out.put<std::int32_t>(1).put<std::int32_t>(0);
      }
    }
  }
  send(peer, out);
}

void Floor::end_train(Peer& peer) {
  for (const auto& [name, index] : std::exchange(written_, {})) {
    Topic& topic = topics_.find(name)->second;
    topic.partitions[static_cast<std::size_t>(index)].write();
    const auto waiting = topic.waiting.find(index);
    if (waiting != topic.waiting.end()) {
      for (const WaitingFetch& one : std::exchange(waiting->second, {})) {
        answer_fetch(name, topic, index, one);
        if (one.peer != &peer) {
          flush(*one.peer);
        }
      }
    }
  }
  flush(peer);
}

// Whether all of it is gone.
bool Floor::send_all(Peer& peer) {
  while (peer.sent < peer.output.size() || !peer.files.empty()) {
    const std::size_t until = peer.files.empty() ? peer.output.size() : peer.files.front().after;
    if (peer.sent < until) {
      const ssize_t n = ::send(peer.fd, peer.output.data() + peer.sent, until - peer.sent,
                               MSG_NOSIGNAL | (peer.files.empty() ? 0 : MSG_MORE));
      if (n < 0) {
        return false;
      }
      peer.sent += static_cast<std::size_t>(n);
      continue;
    }
    FileToSend& file = peer.files.front();
    if (file.length > 0) {
      auto from = static_cast<off_t>(file.position);
      const ssize_t n = ::sendfile(peer.fd, file.fd, &from, file.length);
      if (n <= 0) {
        return false;
      }
      file.position += static_cast<std::uint64_t>(n);
      file.length -= static_cast<std::uint64_t>(n);
      continue;
    }
    peer.files.pop_front();
  }
  peer.output.clear();
  peer.sent = 0;
  return true;
}

void Floor::flush(Peer& peer) {
  const bool wants_write = !send_all(peer);
  if (wants_write != peer.wants_write) {
    peer.wants_write = wants_write;
    epoll_event event{};
    event.events = wants_write ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &peer;
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, peer.fd, &event);
  }
}

}  // namespace
}  // namespace barnabas::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_floor <port> <folder>\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  try {
    barnabas::bench::raise_descriptor_limit();
    barnabas::bench::Floor floor(static_cast<std::uint16_t>(std::stoi(argv[1])), argv[2]);
    floor.run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_floor: {}\n", error.what());
    return 1;
  }
}
