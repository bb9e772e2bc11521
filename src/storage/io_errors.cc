#include "io_errors.h"

#include <cerrno>

namespace barnabas::storage {

bool is_out_of_space(const Error& error) {
  return error.sys_errno == ENOSPC || error.sys_errno == EDQUOT || error.sys_errno == EFBIG;
}

bool is_out_of_descriptors(const Error& error) {
  return error.sys_errno == EMFILE || error.sys_errno == ENFILE || error.sys_errno == ENOMEM;
}

bool takes_log_dir_offline(const Error& error) {
  switch (error.sys_errno) {
    case EIO:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
    case ESTALE:
    case EUCLEAN:
    case EACCES:
    case EPERM:
      return true;
    default:
      return false;
  }
}

}  // namespace barnabas::storage
