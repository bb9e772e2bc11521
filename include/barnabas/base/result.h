// Result<T>: a value, or an Error with Kafka's code and a message for people.
// Nothing is allocated on success. Everything that a request or a peer can cause is a Result;
// exceptions are for "cannot go on" at start-up, CHECK for broken invariants.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "barnabas/base/error_code.h"

namespace barnabas {

struct Error {
  ErrorCode code = ErrorCode::kUnknownServerError;
  std::string message;  // what happened, to what, and what to do
  int sys_errno = 0;    // errno of the failed system call, 0 where none
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message = {},
                                                 int sys_errno = 0) {
  return std::unexpected<Error>(Error{code, std::move(message), sys_errno});
}

}  // namespace barnabas

#define BARNABAS_CONCAT_INNER(a, b) a##b
#define BARNABAS_CONCAT(a, b) BARNABAS_CONCAT_INNER(a, b)

// TRY_STATUS(expr): returns the error of expr from the enclosing function.
#define TRY_STATUS(expr)                                            \
  do {                                                              \
    auto&& try_status_result = (expr);                              \
    if (!try_status_result) {                                       \
      return std::unexpected(std::move(try_status_result).error()); \
    }                                                               \
  } while (false)

// TRY(auto name, expr): declares name with the value of expr or returns its error.
#define TRY(declaration, expr)                                                         \
  auto BARNABAS_CONCAT(try_result_, __LINE__) = (expr);                                \
  if (!BARNABAS_CONCAT(try_result_, __LINE__)) {                                       \
    return std::unexpected(std::move(BARNABAS_CONCAT(try_result_, __LINE__)).error()); \
  }                                                                                    \
  declaration = std::move(*BARNABAS_CONCAT(try_result_, __LINE__))
