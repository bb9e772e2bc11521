#include "barnabas/base/vfs.h"

#include <fmt/format.h>

namespace barnabas {

Result<std::string> read_file(const Vfs& vfs, const std::string& path, std::uint64_t max_bytes) {
  TRY(auto file, const_cast<Vfs&>(vfs).open(path, OpenMode::kRead));
  TRY(const std::uint64_t size, file->size());
  if (size > max_bytes) {
    return fail(ErrorCode::kKafkaStorageError,
                fmt::format("{} has {} bytes, at most {} were expected", path, size, max_bytes));
  }
  std::string content(size, '\0');
  TRY(const std::size_t read,
      file->read_at(0, {reinterpret_cast<std::byte*>(content.data()), content.size()}));
  content.resize(read);
  return content;
}

namespace {

Status replace_file(Vfs& vfs, const std::string& path, std::string_view content, OpenMode mode) {
  const std::string temporary = path + ".tmp";
  {
    TRY(auto file, vfs.open(temporary, mode));
    TRY_STATUS(file->write_at(0, as_bytes(content)));
    TRY_STATUS(file->sync());
  }
  TRY_STATUS(vfs.rename(temporary, path));
  const auto slash = path.rfind('/');
  return vfs.sync_directory(slash == std::string::npos ? "." : path.substr(0, slash));
}

}  // namespace

Status write_file_atomically(Vfs& vfs, const std::string& path, std::string_view content) {
  return replace_file(vfs, path, content, OpenMode::kCreateTruncated);
}

Status write_private_file_atomically(Vfs& vfs, const std::string& path, std::string_view content) {
  return replace_file(vfs, path, content, OpenMode::kCreatePrivate);
}

}  // namespace barnabas
