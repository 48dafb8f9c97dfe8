// The four ways to pass an error on. The CO_ twins are for coroutines, where `return` does not
// compile.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#define PGREEVE_CONCAT_INNER(a, b) a##b
#define PGREEVE_CONCAT(a, b) PGREEVE_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                         \
  do {                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) \
      return status_;                                       \
  } while (false)

#define CO_RETURN_IF_ERROR(expression)                      \
  do {                                                      \
    if (absl::Status status_ = (expression); !status_.ok()) \
      co_return status_;                                    \
  } while (false)

#define PGREEVE_ASSIGN(how, temporary, target, expression) \
  auto temporary = (expression);                           \
  if (!temporary.ok())                                     \
    how temporary.status();                                \
  target = *std::move(temporary)

#define ASSIGN_OR_RETURN(target, expression) \
  PGREEVE_ASSIGN(return, PGREEVE_CONCAT(status_or_, __LINE__), target, expression)

#define CO_ASSIGN_OR_RETURN(target, expression) \
  PGREEVE_ASSIGN(co_return, PGREEVE_CONCAT(status_or_, __LINE__), target, expression)
