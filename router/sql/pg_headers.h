// PostgreSQL's own node headers, made safe to include. Only .cc files of this layer include it, as
// their LAST include: the headers define macros (foreach, Min, Max, _, printf, ERROR) that break
// whatever follows. The worst of them are undefined at the end of this file.
// Never name CurrentMemoryContext, makeNode, MemoryContextSwitchTo or another inline that uses it:
// libpg_query keeps it thread-local, these headers do not, and the linker builds a crash of it.
// A file that needs a tree makes a RawTree (pg_tree.h) and reads the nodes while that lives.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

// clang-format off
#include <pg_query.h>
extern "C" {
#include <postgres.h>
#include <nodes/parsenodes.h>
#include <nodes/pg_list.h>
#include <pg_query/pg_query_internal.h>
// nodes/nodeFuncs.h pulls in too much: this is the one function of it that is wanted.
bool raw_expression_tree_walker(Node* node, bool (*walker)(), void* context);
}
#undef printf
#undef fprintf
#undef sprintf
#undef snprintf
#undef vprintf
#undef vfprintf
#undef vsprintf
#undef vsnprintf
#undef strerror
#undef strerror_r
#undef Min
#undef Max
#undef Abs
#undef _
#undef ERROR
#undef DEBUG
#undef gettext
#undef ngettext
#undef foreach

// clang-format on

namespace pgreeve::sql {

// libpg_query reorders LimitOption; the header's names are wrong for its trees.
constexpr int kLimitDefault = 0;
constexpr int kLimitCount = 1;
constexpr int kLimitWithTies = 2;

// Iterates over the cells of a pointer list; a null list is empty.
template <class T = Node>
class Items {
 public:
  class Iterator {
   public:
    explicit Iterator(const ListCell* cell) : cell_(cell) {}

    T* operator*() const { return static_cast<T*>(cell_->ptr_value); }

    Iterator& operator++() {
      ++cell_;
      return *this;
    }

    bool operator!=(const Iterator& other) const { return cell_ != other.cell_; }

   private:
    const ListCell* cell_;
  };

  explicit Items(const List* list) : list_(list) {}

  Iterator begin() const { return Iterator(list_ == nullptr ? nullptr : list_->elements); }

  Iterator end() const {
    return Iterator(list_ == nullptr ? nullptr : list_->elements + list_->length);
  }

  std::size_t size() const {
    return list_ == nullptr ? 0 : static_cast<std::size_t>(list_->length);
  }

  T* operator[](std::size_t i) const { return static_cast<T*>(list_->elements[i].ptr_value); }

 private:
  const List* list_;
};

// The node as a T when its tag says so, else null. Usage: As<SelectStmt>(node, T_SelectStmt).
template <class T, class N>
const T* As(const N* node, NodeTag tag) {
  if (node == nullptr || reinterpret_cast<const Node*>(node)->type != tag)
    return nullptr;
  return reinterpret_cast<const T*>(node);
}

// Null is empty.
inline std::string_view View(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

// The text of a String node; empty for any other.
inline std::string_view StringOf(const Node* node) {
  const auto* string = As<String>(node, T_String);
  return string == nullptr ? std::string_view() : View(string->sval);
}

// Calls `step` for every child of an expression. `step` returns true to stop. The library aborts on
// tags it does not know: ask only for those of expressions.
inline bool WalkChildren(const Node* node, bool (*step)(Node*, void*), void* context) {
  return raw_expression_tree_walker(const_cast<Node*>(node),
                                    reinterpret_cast<bool (*)()>(reinterpret_cast<void*>(step)),
                                    context);
}

}  // namespace pgreeve::sql
