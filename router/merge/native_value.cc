#include "router/merge/native_value.h"

#include <charconv>
#include <limits>
#include <string>

#include "router/base/bytes.h"
#include "router/merge/type_name.h"

namespace pgreeve::merge {

namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

// Reads a text from the left.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  bool Take(char c) {
    if (rest_.empty() || rest_.front() != c)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  bool TakeWord(std::string_view word) {
    if (rest_.substr(0, word.size()) != word)
      return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  // At least `digits_min` digits, at most `digits_max`.
  bool Number(std::size_t digits_min, std::size_t digits_max, int64_t* value) {
    std::size_t digits = 0;
    *value = 0;
    while (digits < rest_.size() && digits < digits_max && rest_[digits] >= '0' &&
           rest_[digits] <= '9') {
      *value = *value * 10 + (rest_[digits] - '0');
      ++digits;
    }
    rest_.remove_prefix(digits);
    digits_ = digits;
    return digits >= digits_min;
  }

  std::size_t digits() const { return digits_; }

  bool done() const { return rest_.empty(); }

  char front() const { return rest_.empty() ? '\0' : rest_.front(); }

 private:
  std::string_view rest_;
  std::size_t digits_ = 0;
};

// Days of the proleptic Gregorian calendar from 2000-01-01.
int64_t DaysFromCivil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  constexpr int64_t kDaysTo2000 = 730'425;
  return era * 146'097 + day_of_era - kDaysTo2000;
}

bool ReadDate(Reader& reader, int64_t* year, int64_t* month, int64_t* day) {
  return reader.Number(4, 7, year) && reader.Take('-') && reader.Number(2, 2, month) &&
         reader.Take('-') && reader.Number(2, 2, day) && *month >= 1 && *month <= 12;
}

bool ReadTime(Reader& reader, int64_t* microseconds) {
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t fraction = 0;
  if (!reader.Take(' ') || !reader.Number(2, 2, &hour) || !reader.Take(':') ||
      !reader.Number(2, 2, &minute) || !reader.Take(':') || !reader.Number(2, 2, &second))
    return false;
  if (reader.Take('.')) {
    if (!reader.Number(1, 6, &fraction))
      return false;
    for (std::size_t digits = reader.digits(); digits < 6; ++digits)
      fraction *= 10;
  }
  *microseconds = ((hour * 60 + minute) * 60 + second) * kSecond + fraction;
  return true;
}

bool ReadOffset(Reader& reader, int64_t* microseconds) {
  const bool west = reader.front() == '-';
  if (!reader.Take('+') && !reader.Take('-'))
    return false;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  if (!reader.Number(2, 2, &hour))
    return false;
  if (reader.Take(':') && !reader.Number(2, 2, &minute))
    return false;
  if (reader.Take(':') && !reader.Number(2, 2, &second))
    return false;
  *microseconds = ((hour * 60 + minute) * 60 + second) * kSecond * (west ? -1 : 1);
  return true;
}

std::optional<int64_t> ReadMoment(uint32_t type_oid, std::string_view text) {
  if (text == "infinity")
    return std::numeric_limits<int64_t>::max();
  if (text == "-infinity")
    return std::numeric_limits<int64_t>::min();
  Reader reader(text);
  int64_t year = 0;
  int64_t month = 0;
  int64_t day = 0;
  int64_t time = 0;
  int64_t offset = 0;
  if (!ReadDate(reader, &year, &month, &day))
    return std::nullopt;
  if (type_oid != oid::kDate && !ReadTime(reader, &time))
    return std::nullopt;
  if (type_oid == oid::kTimestamptz && !ReadOffset(reader, &offset))
    return std::nullopt;
  if (reader.TakeWord(" BC"))
    year = 1 - year;
  if (!reader.done())
    return std::nullopt;
  const int64_t days = DaysFromCivil(year, month, day);
  if (type_oid == oid::kDate)
    return days;
  const Int128 moment = Int128{days} * kDay + time - offset;
  if (moment <= std::numeric_limits<int64_t>::min() ||
      moment >= std::numeric_limits<int64_t>::max())
    return std::nullopt;
  return static_cast<int64_t>(moment);
}

}  // namespace

bool IsNumberType(uint32_t type_oid) {
  switch (type_oid) {
    case oid::kInt2:
    case oid::kInt4:
    case oid::kInt8:
    case oid::kOid:
    case oid::kDate:
    case oid::kTimestamp:
    case oid::kTimestamptz:
    case oid::kBool:
      return true;
    default:
      return false;
  }
}

bool IsOrderedType(uint32_t type_oid) {
  return IsNumberType(type_oid) || type_oid == oid::kUuid;
}

bool IsKeyType(uint32_t type_oid) {
  return IsOrderedType(type_oid);
}

std::optional<int64_t> ReadNumber(uint32_t type_oid, std::string_view text) {
  switch (type_oid) {
    case oid::kBool:
      if (text != "t" && text != "f")
        return std::nullopt;
      return text == "t" ? 1 : 0;
    case oid::kDate:
    case oid::kTimestamp:
    case oid::kTimestamptz:
      return ReadMoment(type_oid, text);
    default: {
      int64_t value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
      return value;
    }
  }
}

wire::Value ColumnOf(std::string_view body, int column) {
  std::size_t at = 2;
  for (;; --column) {
    const auto length = static_cast<int32_t>(ReadUint32(body.data() + at));
    at += 4;
    if (column == 0)
      return length < 0 ? std::nullopt
                        : wire::Value(body.substr(at, static_cast<std::size_t>(length)));
    at += length < 0 ? 0 : static_cast<std::size_t>(length);
  }
}

}  // namespace pgreeve::merge
