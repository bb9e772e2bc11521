#include "kafka_codec.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace barnabas::oracle {
namespace {

std::string required_environment(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) {
    throw std::runtime_error(std::string(name) + " is not set: start this program through run.sh");
  }
  return value;
}

struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error("pipe2 failed");
    }
    read_end = ends[0];
    write_end = ends[1];
  }
};

}  // namespace

KafkaCodec::KafkaCodec() {
  std::string java = required_environment("BARNABAS_CODEC_JAVA");
  std::string class_path = required_environment("BARNABAS_CODEC_CLASS_PATH");
  std::string main_class = "CodecServer";
  std::string option = "-cp";
  std::string heap = "-Xmx512m";
  std::string collector = "-XX:+UseSerialGC";
  std::array<char*, 7> args{java.data(),       heap.data(),       collector.data(), option.data(),
                            class_path.data(), main_class.data(), nullptr};
  (void)std::signal(SIGPIPE, SIG_IGN);
  const Pipe in;
  const Pipe out;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read_end, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write_end, STDOUT_FILENO);
  const int error = ::posix_spawn(&child_, java.c_str(), &actions, nullptr, args.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(in.read_end);
  ::close(out.write_end);
  to_child_ = in.write_end;
  from_child_ = out.read_end;
  if (error != 0) {
    throw std::runtime_error("cannot start " + java + ": " + std::strerror(error));
  }
}

KafkaCodec::~KafkaCodec() {
  // The end of its input ends the child.
  ::close(to_child_);
  ::close(from_child_);
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
}

template <typename T>
void KafkaCodec::put(T value) {
  const std::size_t at = request_.size();
  request_.resize(at + sizeof(T));
  store_be<T>(request_.data() + at, value);
}

void KafkaCodec::put_bytes(ByteView bytes) {
  put(static_cast<std::int32_t>(bytes.size()));
  request_.insert(request_.end(), bytes.begin(), bytes.end());
}

// The child reads a whole command before it answers, so neither side waits for the other's pipe.
void KafkaCodec::send(char command) {
  request_.insert(request_.begin(), static_cast<std::byte>(command));
  for (ByteView left = request_; !left.empty();) {
    const ssize_t written = ::write(to_child_, left.data(), left.size());
    if (written < 0 && errno != EINTR) {
      throw std::runtime_error("Kafka's codec has gone away");
    }
    left = left.subspan(written > 0 ? static_cast<std::size_t>(written) : 0);
  }
  request_.clear();
}

void KafkaCodec::get_exactly(MutableBytes bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::read(from_child_, bytes.data(), bytes.size());
    if (got == 0 || (got < 0 && errno != EINTR)) {
      throw std::runtime_error("Kafka's codec has gone away");
    }
    bytes = bytes.subspan(got > 0 ? static_cast<std::size_t>(got) : 0);
  }
}

template <typename T>
T KafkaCodec::get() {
  std::array<std::byte, sizeof(T)> raw{};
  get_exactly(raw);
  return load_be<T>(raw.data());
}

ByteVector KafkaCodec::get_bytes() {
  ByteVector bytes(static_cast<std::size_t>(get<std::int32_t>()));
  get_exactly(bytes);
  return bytes;
}

KafkaCodec::Answer KafkaCodec::get_answer() {
  const auto size = get<std::int32_t>();
  if (size < 0) {
    return {std::nullopt, std::string(as_text(get_bytes()))};
  }
  ByteVector bytes(static_cast<std::size_t>(size));
  get_exactly(bytes);
  return {std::move(bytes), {}};
}

std::string KafkaCodec::facts() {
  send('F');
  return std::string(as_text(get_bytes()));
}

std::string KafkaCodec::apis() {
  send('A');
  return std::string(as_text(get_bytes()));
}

std::vector<KafkaCodec::Answer> KafkaCodec::reencode(std::string_view message, std::int16_t version,
                                                     const std::vector<ByteVector>& values) {
  put_bytes(as_bytes(message));
  put(version);
  put(static_cast<std::int32_t>(values.size()));
  for (const ByteVector& value : values) {
    put_bytes(value);
  }
  send('R');
  std::vector<Answer> answers;
  answers.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    answers.push_back(get_answer());
    if (answers.back().bytes) {
      answers.back().digest = get<std::uint64_t>();
    }
  }
  return answers;
}

std::string KafkaCodec::describe(std::string_view message, std::int16_t version, ByteView value) {
  put_bytes(as_bytes(message));
  put(version);
  put_bytes(value);
  send('D');
  return std::string(as_text(get_bytes()));
}

std::vector<KafkaCodec::Sample> KafkaCodec::generate(std::string_view message, std::int16_t version,
                                                     std::uint64_t seed, std::int32_t count) {
  put_bytes(as_bytes(message));
  put(version);
  put(seed);
  put(count);
  send('G');
  std::vector<Sample> samples;
  for (std::int32_t i = 0; i < count; ++i) {
    Sample sample;
    sample.bytes = get_bytes();
    sample.digest = get<std::uint64_t>();
    sample.other_version = get<std::int16_t>();
    sample.other = get_answer();
    samples.push_back(std::move(sample));
  }
  return samples;
}

std::vector<KafkaCodec::Marker> KafkaCodec::markers(const std::vector<std::int32_t>& epochs) {
  put(static_cast<std::int32_t>(epochs.size()));
  for (const std::int32_t epoch : epochs) {
    put(epoch);
  }
  send('M');
  std::vector<Marker> markers;
  for (std::size_t i = 0; i < epochs.size() * 2; ++i) {
    Marker marker;
    marker.key = get_bytes();
    marker.value = get_bytes();
    markers.push_back(std::move(marker));
  }
  return markers;
}

}  // namespace barnabas::oracle
