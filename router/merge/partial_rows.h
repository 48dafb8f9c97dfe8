// The shards' partial rows as they came: bodies of DataRow messages, within limits of rows and
// bytes. Worker thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgreeve::merge {

class PartialRows {
 public:
  void Add(std::string_view body) {
    ends_.push_back(bytes_.size() + body.size());
    bytes_.append(body);
  }

  std::size_t size() const { return ends_.size(); }

  std::size_t bytes() const { return bytes_.size(); }

  // Valid until the next Add.
  std::string_view operator[](std::size_t row) const {
    const std::size_t begin = row == 0 ? 0 : ends_[row - 1];
    return std::string_view(bytes_).substr(begin, ends_[row] - begin);
  }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

}  // namespace pgreeve::merge
