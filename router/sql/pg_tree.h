// The raw parse tree of a text: PostgreSQL 15's grammar (libpg_query), without protobuf.
// How to use it, in a .cc of this layer only:
//   #include "router/sql/pg_headers.h"      // last include
//   RawTree tree(sql);
//   if (!tree.ok()) … tree.error() …
//   for (const RawStmt* raw : Items<RawStmt>(tree.statements())) …
// All nodes die with the RawTree: copy what is kept into plain values. RawTrees on one thread must
// be destroyed in the reverse order of their making (scopes do). Any thread.
// A tree may be very deep (`1+1+…`): walkers count their depth and give up at a limit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "router/base/status.h"

struct List;
struct MemoryContextData;

namespace pgreeve::sql {

class RawTree {
 public:
  // Cost: 0.7 µs for a point select, 10 µs for a large ORM query. Texts with a zero byte fail.
  explicit RawTree(std::string_view sql);
  ~RawTree();

  RawTree(const RawTree&) = delete;
  RawTree& operator=(const RawTree&) = delete;

  bool ok() const { return ok_; }

  // List of RawStmt; null for an empty text. Valid as long as this object.
  const List* statements() const { return statements_; }

  // The zero-terminated text that locations in the tree count bytes in.
  const std::string& text() const { return text_; }

  // Only when !ok(). `position` counts characters from 1.
  const SqlError& error() const { return error_; }

 private:
  std::string text_;
  MemoryContextData* context_ = nullptr;
  const List* statements_ = nullptr;
  SqlError error_;
  bool ok_ = false;
};

// Parses probe statements and compares what the headers say with what the texts mean: the layout
// of nodes is shared with a library that was compiled elsewhere. Run once at start-up; the router
// refuses to serve on an error.
absl::Status SelfTest();

}  // namespace pgreeve::sql
