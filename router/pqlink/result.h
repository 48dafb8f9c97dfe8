// The rows of one statement. Owns libpq's result; movable. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

struct pg_result;

namespace pgreeve::pqlink {

class Result {
 public:
  Result() = default;

  explicit Result(pg_result* result) : result_(result) {}  // takes ownership

  Result(Result&& other) noexcept : result_(std::exchange(other.result_, nullptr)) {}

  Result& operator=(Result&& other) noexcept;
  ~Result();

  int rows() const;
  int columns() const;
  std::string_view ColumnName(int column) const;
  uint32_t ColumnType(int column) const;  // type oid

  // Valid as long as this object. Empty for NULL. Row and column must be in range.
  std::string_view Text(int row, int column) const;
  bool IsNull(int row, int column) const;
  // 0 or false for NULL and for what is no number ('t' is true).
  int64_t Int(int row, int column) const;
  bool Bool(int row, int column) const;
  // The bytes of a bytea column (text format, hex); empty when it is none.
  std::string Bytes(int row, int column) const;
  // Rows that INSERT, UPDATE, DELETE or COPY touched.
  int64_t affected() const;

 private:
  pg_result* result_ = nullptr;
};

}  // namespace pgreeve::pqlink
