#include "unit/net/net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <ranges>
#include <thread>

namespace barnabas::net::testing {
namespace {

class ScriptedHandler final : public RequestHandler {
 public:
  explicit ScriptedHandler(Seen& seen) : seen_(seen) {
    seen_.release = [this] { release(); };
  }

  void on_request(Connection& connection, MutableBytes frame) override {
    note_home(connection);
    const std::string_view text = as_text(frame);
    const SlotId slot = connection.reserve();
    switch (text.front()) {
      case 'e':
      case 'a':
        connection.answer(slot, frame);
        break;
      case 'k':
        held_.push_back({connection.shared_from_this(), slot, {}, std::string(text)});
        connection.hold();
        break;
      case 'o':
        long_held_.push_back({connection.shared_from_this(), slot, {}, std::string(text)});
        connection.hold();
        break;
      case 't':
        train_.push_back({connection.shared_from_this(), slot, frame, {}});
        break;
      case 'h':
        held_.push_back({connection.shared_from_this(), slot, {}, std::string(text)});
        break;
      case 'r':
        release();
        connection.answer(slot, frame);
        break;
      case 'n':
        connection.answer_nothing(slot);
        break;
      case 'c':
        connection.answer_nothing(slot);
        connection.close("the test asked for it");
        break;
      case 'x':
        connection.answer(
            slot,
            as_bytes(std::string(std::stoul(std::string(text.substr(1, 4))) * 1024, text.back())));
        break;
      case 'f': {
        std::array<FileSplice, 1> splices{FileSplice{4, seen_.file}};
        connection.answer(slot, AnswerParts{as_bytes("headtail"), splices});
        break;
      }
      default:
        ADD_FAILURE() << "unexpected frame " << text;
    }
    ++seen_.requests;
  }

  bool may_start(Connection& connection, ByteView frame) override {
    return as_text(frame).front() != 'a' || connection.unanswered() == 0;
  }

  Status admit_large(Connection& /*connection*/, ByteView head, std::size_t size) override {
    EXPECT_GT(size, head.size());
    return as_text(head).starts_with("Junk") ? fail(ErrorCode::kInvalidRequest, "junk") : Status{};
  }

  void on_stopping() override { release(long_held_); }

  void on_train_end() override {
    for (Kept& kept : train_) {
      kept.connection->answer(kept.slot, kept.frame);
    }
    train_.clear();
    ++seen_.trains;
    notify();
  }

  void on_closed(Connection& connection) override {
    EXPECT_FALSE(connection.is_open());
    ++seen_.closed;
    notify();
  }

 private:
  struct LastHome final : ConnectionContext {
    explicit LastHome(Executor& now) : home(&now) {}
    Executor* home;
  };
  struct Kept {
    std::shared_ptr<Connection> connection;
    SlotId slot;
    ByteView frame;
    std::string copy;
  };

  void note_home(Connection& connection) {
    EXPECT_TRUE(connection.home().is_current());
    auto* const before = static_cast<LastHome*>(connection.context());
    if (before == nullptr) {
      connection.set_context(std::make_unique<LastHome>(connection.home()));
      const std::lock_guard lock(seen_.mutex);
      seen_.homes.push_back(&connection.home());
    } else if (std::exchange(before->home, &connection.home()) != &connection.home()) {
      ++seen_.moves;
    }
  }

  static void release(std::vector<Kept>& kept) {
    for (const Kept& one : std::exchange(kept, {}) | std::views::reverse) {
      one.connection->answer(one.slot, as_bytes(one.copy));
    }
  }
  void release() {
    release(long_held_);
    release(held_);
  }

  void notify() {
    const std::lock_guard lock(seen_.mutex);
    seen_.changed.notify_all();
  }

  Seen& seen_;
  std::vector<Kept> train_;
  std::vector<Kept> held_;
  std::vector<Kept> long_held_;
};

}  // namespace

std::string frame(std::string_view payload) {
  std::array<std::byte, 4> header;
  store_be(header.data(), static_cast<std::int32_t>(payload.size()));
  return std::string(as_text(header)) + std::string(payload);
}

Client::Client(std::uint16_t port, int receive_buffer_bytes) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{20, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const int one = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (receive_buffer_bytes > 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof(receive_buffer_bytes));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close();
  }
}

void Client::send_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    ASSERT_GT(n, 0) << std::strerror(errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void Client::send_frame(std::string_view payload) {
  send_raw(frame(payload));
}

std::string Client::receive_raw(std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = ::recv(fd_, bytes.data() + done, size - done, 0);
    if (n <= 0) {
      ADD_FAILURE() << "got " << done << " of " << size << " bytes, then "
                    << (n == 0 ? "the end" : std::strerror(errno));
      bytes.resize(done);
      break;
    }
    done += static_cast<std::size_t>(n);
  }
  return bytes;
}

std::string Client::receive_frame() {
  const std::string header = receive_raw(4);
  if (header.size() < 4) {
    return {};
  }
  const auto length = load_be<std::int32_t>(as_bytes(header).data());
  std::string payload = receive_raw(static_cast<std::size_t>(length));
  EXPECT_EQ(payload.size(), static_cast<std::size_t>(length));
  return payload;
}

bool Client::receive_end() {
  char byte = 0;
  const ssize_t n = ::recv(fd_, &byte, 1, 0);
  return n == 0 || (n < 0 && errno == ECONNRESET);
}

void Client::shutdown_send() const {
  ::shutdown(fd_, SHUT_WR);
}

void Client::reset() {
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

void Client::close() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

void NetTest::start(std::size_t threads) {
  if (with_disk_pool_) {
    pool_ = std::make_unique<DiskPool>(1, clock_);
    pool_->start();
  }
  threads_ = std::make_unique<IoThreads>(IoThreadsOptions{threads, false, "test-io"}, clock_);
  ASSERT_TRUE(threads_->start());
  server_ = std::make_unique<Server>(
      options_, *threads_, clock_,
      [this](Executor& home, std::size_t) {
        EXPECT_TRUE(home.is_current());
        return std::make_unique<ScriptedHandler>(seen_);
      },
      pool_.get());
  const auto started = server_->start();
  ASSERT_TRUE(started) << started.error().message;
}

NetTest::~NetTest() {
  if (server_) {
    server_->stop(std::chrono::seconds(1));
    EXPECT_EQ(server_->connection_count(), 0U);
    EXPECT_EQ(server_->bytes_in_flight(), 0U);
  }
  if (threads_) {
    threads_->stop();
  }
}

bool NetTest::wait_for_connections(std::size_t count) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (server_->connection_count() != count && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  return server_->connection_count() == count;
}

}  // namespace barnabas::net::testing
