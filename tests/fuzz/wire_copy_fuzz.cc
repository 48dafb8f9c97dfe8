// Rows of COPY: the same whatever way the data is cut. The first byte of the input chooses the
// format, the second where the data is cut.
#include <vector>

#include "router/wire/copy_text.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

namespace wire = pgreeve::wire;
using pgreeve::fuzz::Require;

constexpr std::size_t kRowBytesMax = 256;  // small, so that the limit is reached

wire::CopyFormat FormatOf(uint8_t choice) {
  wire::CopyFormat format = choice & 1 ? wire::CopyFormat::Csv() : wire::CopyFormat::Text();
  format.header = (choice & 2) != 0;
  if (choice & 4)
    format.null_string = "N";
  if (choice & 8)
    format.escape = '\\';
  if (choice & 16)
    format.delimiter = '|';
  return format;
}

struct Result {
  std::vector<wire::CopyRow> rows;
  bool ok = true;
};

Result Read(const wire::CopyFormat& format, std::string_view data, std::size_t step) {
  wire::CopyRowReader reader({format, {}, kRowBytesMax});
  Result result;
  wire::CopyRow row;
  while (true) {
    const auto more = reader.Next(row);
    if (!more.ok()) {
      result.ok = false;
      Require(!reader.Next(row).ok(), "an error stays");
      return result;
    }
    if (*more) {
      Require(reader.raw_row().size() <= kRowBytesMax, "limit");
      result.rows.push_back(row);
    } else if (!data.empty()) {
      reader.Feed(data.substr(0, step));
      data.remove_prefix(std::min(step, data.size()));
      if (data.empty())
        reader.Finish();
    } else {
      return result;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  pgreeve::fuzz::Input input(data, size);
  const wire::CopyFormat format = FormatOf(input.Byte());
  const std::size_t step = std::size_t{1} + input.Byte() % 32;
  const Result whole = Read(format, input.rest(), input.rest().size() + 1);
  const Result cut = Read(format, input.rest(), step);
  Require(whole.ok == cut.ok && whole.rows == cut.rows, "rows do not depend on the cut");
  std::string sql;
  (void)wire::AppendSqlLiteral(sql, input.rest());
  return 0;
}
