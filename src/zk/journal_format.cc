#include "journal_format.h"

#include <utility>

#include "barnabas/base/check.h"
#include "barnabas/base/crc32c.h"

namespace barnabas::zk {
namespace {

enum class OpKind : std::uint8_t { kCreate = 1, kSet = 2, kDelete = 3 };

template <typename T>
void put(std::string& out, T value) {
  std::byte bytes[sizeof(T)];
  store_be(bytes, value);
  out.append(as_text(bytes));
}

void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.append(text);
}

void put_data(std::string& out, const NodeData& data) {
  put(out, data ? static_cast<std::int32_t>(data->size()) : std::int32_t{-1});
  if (data) {
    out.append(*data);
  }
}

// Reads from the front; after the first read past the end everything is zero and ok() is false.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : left_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && left_.empty(); }

  template <typename T>
  T get() {
    const std::string_view bytes = take(sizeof(T));
    return ok_ ? load_be<T>(as_bytes(bytes).data()) : T{};
  }
  std::string text() { return std::string(take(get<std::uint32_t>())); }
  NodeData data() {
    const auto length = get<std::int32_t>();
    if (length < 0) {
      return std::nullopt;
    }
    return std::string(take(static_cast<std::size_t>(length)));
  }

 private:
  std::string_view take(std::size_t count) {
    if (!ok_ || count > left_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }

  std::string_view left_;
  bool ok_ = true;
};

// Leaves room for the frame and fills it when the payload is there.
class Frame {
 public:
  explicit Frame(std::string& out) : out_(out), begin_(out.size()) {
    out_.append(kFrameHeaderBytes, '\0');
  }
  void close() {
    const ByteView payload = as_bytes(out_).subspan(begin_ + kFrameHeaderBytes);
    auto* const header = reinterpret_cast<std::byte*>(out_.data() + begin_);
    store_be(header + 4, crc32c(payload));
    store_be(header, static_cast<std::uint32_t>(payload.size()));
  }

 private:
  std::string& out_;
  std::size_t begin_;
};

std::optional<std::string_view> read_frame(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) {
    return std::nullopt;
  }
  const std::byte* const header = as_bytes(bytes).data();
  const auto length = load_be<std::uint32_t>(header);
  if (length == 0 || length > bytes.size() - kFrameHeaderBytes) {
    return std::nullopt;
  }
  const std::string_view payload = bytes.substr(kFrameHeaderBytes, length);
  if (crc32c(as_bytes(payload)) != load_be<std::uint32_t>(header + 4)) {
    return std::nullopt;
  }
  return payload;
}

void put_op(std::string& out, const WriteOp& op) {
  if (const auto* create = std::get_if<CreateOp>(&op)) {
    put(out, static_cast<std::uint8_t>(OpKind::kCreate));
    put_text(out, create->path);
    put(out, static_cast<std::uint8_t>(create->mode));
    put_data(out, create->data);
  } else if (const auto* set = std::get_if<SetOp>(&op)) {
    put(out, static_cast<std::uint8_t>(OpKind::kSet));
    put_text(out, set->path);
    put_data(out, set->data);
  } else if (const auto* remove = std::get_if<DeleteOp>(&op)) {
    put(out, static_cast<std::uint8_t>(OpKind::kDelete));
    put_text(out, remove->path);
  }
}

std::optional<WriteOp> get_op(Cursor& in) {
  const auto kind = static_cast<OpKind>(in.get<std::uint8_t>());
  std::string path = in.text();
  switch (kind) {
    case OpKind::kCreate: {
      const auto mode = in.get<std::uint8_t>();
      if (mode > static_cast<std::uint8_t>(CreateMode::kEphemeralSequential)) {
        return std::nullopt;
      }
      return CreateOp{std::move(path), in.data(), static_cast<CreateMode>(mode)};
    }
    case OpKind::kSet:
      return SetOp{std::move(path), in.data(), kAnyVersion};
    case OpKind::kDelete:
      return DeleteOp{std::move(path), kAnyVersion};
  }
  return std::nullopt;
}

std::optional<JournalEntry> decode_entry(std::string_view payload) {
  Cursor in(payload);
  JournalEntry entry;
  entry.zxid = Zxid{in.get<std::int64_t>()};
  entry.durable = Zxid{in.get<std::int64_t>()};
  entry.time_ms = in.get<std::int64_t>();
  entry.session = SessionId{in.get<std::int64_t>()};
  const auto count = in.get<std::uint32_t>();
  if (!in.ok() || count > payload.size()) {
    return std::nullopt;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    auto op = get_op(in);
    if (!op || !in.ok()) {
      return std::nullopt;
    }
    entry.ops.push_back(std::move(*op));
  }
  if (!in.at_end()) {
    return std::nullopt;
  }
  return entry;
}

}  // namespace

void append_entry(std::string& out, const JournalEntry& entry) {
  Frame frame(out);
  put(out, entry.zxid.value());
  put(out, entry.durable.value());
  put(out, entry.time_ms);
  put(out, entry.session.value());
  std::uint32_t count = 0;
  for (const WriteOp& op : entry.ops) {
    count += std::holds_alternative<CheckOp>(op) ? 0U : 1U;
  }
  put(out, count);
  for (const WriteOp& op : entry.ops) {
    put_op(out, op);
  }
  frame.close();
}

std::optional<ReadEntry> read_entry(std::string_view bytes) {
  const auto payload = read_frame(bytes);
  if (!payload) {
    return std::nullopt;
  }
  auto entry = decode_entry(*payload);
  if (!entry) {
    return std::nullopt;
  }
  return ReadEntry{std::move(*entry), kFrameHeaderBytes + payload->size()};
}

bool later_entry_confirms(std::string_view bytes, Zxid zxid) {
  constexpr std::size_t kFixedBytes = kFrameHeaderBytes + 16;
  for (std::size_t at = 1; at + kFixedBytes <= bytes.size(); ++at) {
    const std::byte* const here = as_bytes(bytes).data() + at;
    // The cheap conditions first: this runs over every byte behind a broken entry.
    if (load_be<std::uint32_t>(here) > bytes.size() - at - kFrameHeaderBytes ||
        load_be<std::int64_t>(here + kFrameHeaderBytes) <= zxid.value() ||
        load_be<std::int64_t>(here + kFrameHeaderBytes + 8) < zxid.value()) {
      continue;
    }
    if (read_entry(bytes.substr(at))) {
      return true;
    }
  }
  return false;
}

std::string encode_snapshot(const DataTree& tree) {
  std::string out(kSnapshotMagic);
  Frame frame(out);
  put(out, tree.last_zxid().value());
  put(out, static_cast<std::uint32_t>(tree.node_count()));
  tree.for_each([&](const std::string& path, const TreeNode& node) {
    put_text(out, path);
    put_data(out, node.data);
    put(out, node.czxid.value());
    put(out, node.mzxid.value());
    put(out, node.pzxid.value());
    put(out, node.ctime_ms);
    put(out, node.mtime_ms);
    put(out, node.version);
    put(out, node.creates);
    put(out, node.ephemeral_owner.value());
  });
  frame.close();
  return out;
}

std::optional<DataTree> decode_snapshot(std::string_view bytes) {
  if (!bytes.starts_with(kSnapshotMagic)) {
    return std::nullopt;
  }
  bytes.remove_prefix(kSnapshotMagic.size());
  const auto payload = read_frame(bytes);
  if (!payload || payload->size() + kFrameHeaderBytes != bytes.size()) {
    return std::nullopt;
  }
  Cursor in(*payload);
  DataTree tree;
  tree.restore_zxid(Zxid{in.get<std::int64_t>()});
  const auto count = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    std::string path = in.text();
    TreeNode node;
    node.data = in.data();
    node.czxid = Zxid{in.get<std::int64_t>()};
    node.mzxid = Zxid{in.get<std::int64_t>()};
    node.pzxid = Zxid{in.get<std::int64_t>()};
    node.ctime_ms = in.get<std::int64_t>();
    node.mtime_ms = in.get<std::int64_t>();
    node.version = in.get<std::int32_t>();
    node.creates = in.get<std::int32_t>();
    node.ephemeral_owner = SessionId{in.get<std::int64_t>()};
    if (!in.ok() || !tree.restore(std::move(path), std::move(node))) {
      return std::nullopt;
    }
  }
  if (!in.at_end()) {
    return std::nullopt;
  }
  return tree;
}

}  // namespace barnabas::zk
