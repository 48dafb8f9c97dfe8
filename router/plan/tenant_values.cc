#include "router/plan/tenant_values.h"

#include <optional>

#include "router/base/bytes.h"
#include "router/base/status.h"

namespace pgreeve::plan {
namespace {

using sql::CastTo;
using sql::LiteralKind;
using sql::ValueSource;

// Types of parameters that may carry a tenant id (pg_type.h).
constexpr uint32_t kInt8Oid = 20;
constexpr uint32_t kInt2Oid = 21;
constexpr uint32_t kInt4Oid = 23;
constexpr uint32_t kTextOid = 25;
constexpr uint32_t kUnknownOid = 705;
constexpr uint32_t kBpcharOid = 1042;
constexpr uint32_t kVarcharOid = 1043;
constexpr uint32_t kNumericOid = 1700;
constexpr uint32_t kUuidOid = 2950;

// Elements of an array that are looked at before the statement counts as one of many tenants.
constexpr std::size_t kArrayElementsMax = 100'000;

TenantValues Unreadable(std::string problem) {
  TenantValues values;
  values.state = ValueState::kUnreadable;
  values.problem = std::move(problem);
  return values;
}

TenantValues One(TenantId id) {
  TenantValues values;
  values.ids.push_back(std::move(id));
  return values;
}

// "5.000" equals 5.
std::string_view WithoutZeroFraction(std::string_view number) {
  const std::size_t point = number.find('.');
  if (point == std::string_view::npos || point == 0 ||
      number.find_first_not_of('0', point + 1) != std::string_view::npos)
    return number;
  return number.substr(0, point);
}

TenantValues FromText(TenantType type, std::string_view text) {
  auto id = TenantId::FromText(type, text);
  if (!id.ok())
    return Unreadable(ToSqlError(id.status()).message);
  return One(*std::move(id));
}

TenantValues FromLiteral(const ValueSource& source, const ValueContext& context);

bool IsInteger(uint32_t oid) {
  return oid == kInt2Oid || oid == kInt4Oid || oid == kInt8Oid;
}

bool IsTextual(uint32_t oid) {
  return oid == kTextOid || oid == kVarcharOid || oid == kBpcharOid || oid == kUnknownOid;
}

std::optional<int64_t> BinaryInteger(std::string_view bytes) {
  if (bytes.size() == 2)
    return static_cast<int16_t>(ReadUint16(bytes.data()));
  if (bytes.size() == 4)
    return static_cast<int32_t>(ReadUint32(bytes.data()));
  if (bytes.size() == 8)
    return static_cast<int64_t>(ReadUint64(bytes.data()));
  return std::nullopt;
}

std::string_view WithoutTrailingBlanks(std::string_view text) {
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

TenantValues FromBinary(uint32_t oid, std::string_view bytes, TenantType type) {
  if (oid == 0)
    oid = type == TenantType::kUuid ? kUuidOid : type == TenantType::kBigint ? kInt8Oid : kTextOid;
  if (oid == kUuidOid && type == TenantType::kUuid && bytes.size() == 16)
    return One(TenantId::FromUuidBytes(bytes));
  if (IsInteger(oid) && type == TenantType::kBigint) {
    if (const auto value = BinaryInteger(bytes))
      return One(TenantId::FromBigint(*value));
  }
  if (IsTextual(oid)) {
    if (oid == kBpcharOid)
      bytes = WithoutTrailingBlanks(bytes);
    return FromText(type, bytes);
  }
  return Unreadable("a binary parameter of type " + std::to_string(oid) + " is not read as " +
                    std::string(ToString(type)));
}

TenantValues FromTextFormat(uint32_t oid, std::string_view text, TenantType type) {
  const bool integer = IsInteger(oid);
  if (oid == 0 || IsTextual(oid) || (oid == kUuidOid && type == TenantType::kUuid) ||
      (integer && type == TenantType::kBigint)) {
    if (oid == kBpcharOid)
      text = WithoutTrailingBlanks(text);
    return FromText(type, text);
  }
  if (oid == kNumericOid && type == TenantType::kBigint)
    return FromText(type, WithoutZeroFraction(text));
  return Unreadable("a parameter of type " + std::to_string(oid) + " is not read as " +
                    std::string(ToString(type)));
}

uint32_t ElementOf(uint32_t array_oid) {
  switch (array_oid) {
    case 1005:
      return kInt2Oid;
    case 1007:
      return kInt4Oid;
    case 1016:
      return kInt8Oid;
    case 1009:
      return kTextOid;
    case 1015:
      return kVarcharOid;
    case 1014:
      return kBpcharOid;
    case 1231:
      return kNumericOid;
    case 2951:
      return kUuidOid;
    default:
      return 0;
  }
}

// Adds one element; false when it stops the whole.
bool AddElement(TenantValues element, TenantValues& values) {
  if (element.state != ValueState::kRead) {
    values = std::move(element);
    return false;
  }
  values.ids.push_back(std::move(element.ids.front()));
  return values.ids.size() < kArrayElementsMax;
}

// array_out's form of one dimension: {a,"b c",NULL}. NULL elements match nothing.
TenantValues FromArrayText(uint32_t element_oid, std::string_view text, TenantType type) {
  TenantValues values;
  const TenantValues bad = Unreadable("the array cannot be read");
  if (text.size() < 2 || text.front() != '{' || text.back() != '}')
    return bad;
  text = text.substr(1, text.size() - 2);
  std::size_t i = 0;
  while (i < text.size()) {
    std::string element;
    bool quoted = false;
    if (text[i] == '"') {
      quoted = true;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && ++i == text.size())
          return bad;
        element += text[i];
      }
      if (i++ == text.size())
        return bad;
    } else {
      for (; i < text.size() && text[i] != ','; ++i) {
        if (text[i] == '{' || text[i] == '\\' || text[i] == '"')
          return bad;
        element += text[i];
      }
    }
    const bool null = !quoted && (element == "NULL" || element == "null");
    if (!null && !AddElement(FromTextFormat(element_oid, element, type), values))
      return values;
    if (i < text.size() && text[i++] != ',')
      return bad;
  }
  return values;
}

// array_send's form of one dimension.
TenantValues FromArrayBinary(std::string_view bytes, TenantType type) {
  TenantValues values;
  const TenantValues bad = Unreadable("the array cannot be read");
  if (bytes.size() < 12)
    return bad;
  const uint32_t dimensions = ReadUint32(bytes.data());
  const uint32_t oid = ReadUint32(bytes.data() + 8);
  if (dimensions == 0)
    return values;
  if (dimensions != 1 || bytes.size() < 20)
    return bad;
  const uint32_t count = ReadUint32(bytes.data() + 12);
  bytes.remove_prefix(20);
  for (uint32_t i = 0; i < count; ++i) {
    if (bytes.size() < 4)
      return bad;
    const uint32_t length = ReadUint32(bytes.data());
    bytes.remove_prefix(4);
    if (length == UINT32_MAX)
      continue;
    if (length > bytes.size())
      return bad;
    if (!AddElement(FromBinary(oid, bytes.substr(0, length), type), values))
      return values;
    bytes.remove_prefix(length);
  }
  return values;
}

const Parameter* FindParameter(const ValueSource& source, const ValueContext& context) {
  if (context.parameters == nullptr || source.index == 0 ||
      source.index > context.parameters->size())
    return nullptr;
  return &(*context.parameters)[source.index - 1];
}

TenantValues FromParameter(const ValueSource& source, const ValueContext& context) {
  TenantValues values;
  const Parameter* parameter = FindParameter(source, context);
  if (parameter == nullptr) {
    values.state = ValueState::kMissing;
    return values;
  }
  if (!parameter->value) {
    values.state = ValueState::kNull;
    return values;
  }
  // A text made by Postgres of another type is not what was sent.
  if (source.cast == CastTo::kText && parameter->type_oid != 0 && !IsTextual(parameter->type_oid) &&
      !(IsInteger(parameter->type_oid) && parameter->format == 0))
    return Unreadable("a cast to text is not evaluated");
  if (source.cast == CastTo::kText && IsInteger(parameter->type_oid))
    return FromText(context.type, *parameter->value);
  if (source.array) {
    const uint32_t element = ElementOf(parameter->type_oid);
    if (parameter->type_oid != 0 && element == 0)
      return Unreadable("an array of that type is not read");
    return parameter->format == 0 ? FromArrayText(element, *parameter->value, context.type)
                                  : FromArrayBinary(*parameter->value, context.type);
  }
  return parameter->format == 0
             ? FromTextFormat(parameter->type_oid, *parameter->value, context.type)
             : FromBinary(parameter->type_oid, *parameter->value, context.type);
}

const sql::Literal* FindLiteral(const ValueSource& source, const ValueContext& context) {
  if (context.literals == nullptr || source.index >= context.literals->size())
    return nullptr;
  return &(*context.literals)[source.index];
}

TenantValues FromLiteral(const ValueSource& source, const ValueContext& context) {
  const sql::Literal* literal = FindLiteral(source, context);
  if (literal == nullptr)
    return Unreadable("the literal was not found");
  auto value = sql::LiteralValue(context.sql, *literal);
  if (!value)
    return Unreadable("a string with escapes is not evaluated");
  if (source.array)
    return FromArrayText(0, *value, context.type);
  const bool number =
      literal->kind == LiteralKind::kInteger || literal->kind == LiteralKind::kNumeric;
  if (number && context.type == TenantType::kText) {
    if (source.cast != CastTo::kText || literal->kind != LiteralKind::kInteger || source.negative)
      return Unreadable("a number is not a text");
    const std::size_t first = value->find_first_not_of('0');
    *value = first == std::string::npos ? "0" : value->substr(first);
  }
  if (source.negative)
    value->insert(0, "-");
  if (literal->kind == LiteralKind::kNumeric)
    return FromText(context.type, WithoutZeroFraction(*value));
  return FromText(context.type, *value);
}

}  // namespace

TenantValues ReadTenants(const ValueSource& source, const ValueContext& context) {
  TenantValues values;
  switch (source.kind) {
    case ValueSource::Kind::kLiteral:
      return FromLiteral(source, context);
    case ValueSource::Kind::kParameter:
      return FromParameter(source, context);
    case ValueSource::Kind::kNull:
      values.state = ValueState::kNull;
      return values;
    case ValueSource::Kind::kTrue:
    case ValueSource::Kind::kFalse:
    case ValueSource::Kind::kDefault:
    case ValueSource::Kind::kUnreadable:
      break;
  }
  return Unreadable("the value is not evaluated");
}

bool ReadText(const ValueSource& source, const ValueContext& context, std::string& out) {
  switch (source.kind) {
    case ValueSource::Kind::kTrue:
      out = "true";
      return true;
    case ValueSource::Kind::kFalse:
      out = "false";
      return true;
    case ValueSource::Kind::kLiteral: {
      const sql::Literal* literal = FindLiteral(source, context);
      auto value = literal == nullptr ? std::nullopt : sql::LiteralValue(context.sql, *literal);
      if (!value)
        return false;
      out = (source.negative ? "-" : "") + *value;
      return true;
    }
    case ValueSource::Kind::kParameter: {
      const Parameter* parameter = FindParameter(source, context);
      if (parameter == nullptr || !parameter->value)
        return false;
      if (parameter->format == 0 || IsTextual(parameter->type_oid)) {
        out = *parameter->value;
        return true;
      }
      if (parameter->type_oid == kUuidOid && parameter->value->size() == 16) {
        out = TenantId::FromUuidBytes(*parameter->value).Text();
        return true;
      }
      const auto number =
          IsInteger(parameter->type_oid) ? BinaryInteger(*parameter->value) : std::nullopt;
      if (!number)
        return false;
      out = std::to_string(*number);
      return true;
    }
    default:
      return false;
  }
}

std::string SourceText(const ValueSource& source, const ValueContext& context) {
  if (source.kind == ValueSource::Kind::kParameter)
    return "$" + std::to_string(source.index);
  const sql::Literal* literal =
      source.kind == ValueSource::Kind::kLiteral ? FindLiteral(source, context) : nullptr;
  if (literal == nullptr)
    return "NULL";
  return (source.negative ? "-" : "") +
         std::string(context.sql.substr(literal->offset, literal->length));
}

}  // namespace pgreeve::plan
