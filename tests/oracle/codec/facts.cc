#include "facts.h"

#include <fmt/format.h>

#include <sstream>
#include <stdexcept>

namespace barnabas::oracle {
namespace {

using schemagen::Field;
using schemagen::Kind;
using schemagen::Message;
using schemagen::MessageKind;
using schemagen::Versions;

std::string field_path(const std::string& owner, std::size_t index) {
  return fmt::format("{}#{:04}", owner, index);
}

std::string field_fact(const std::string& name, const std::string& type, const Versions& versions,
                       const Versions& nullable, const Versions& tagged, int tag,
                       const std::string& value, bool ignorable, bool never_flexible) {
  return fmt::format("{} {} versions {} nullable {} tagged {} tag {} default '{}'{}{}", name, type,
                     versions.to_string(), nullable.to_string(), tagged.to_string(), tag, value,
                     ignorable ? " ignorable" : "", never_flexible ? " never flexible" : "");
}

std::string type_text(const Field& field) {
  static const std::map<Kind, std::string> names{
      {Kind::kBool, "bool"},       {Kind::kInt8, "int8"},       {Kind::kInt16, "int16"},
      {Kind::kUint16, "uint16"},   {Kind::kInt32, "int32"},     {Kind::kInt64, "int64"},
      {Kind::kFloat64, "float64"}, {Kind::kUuid, "uuid"},       {Kind::kString, "string"},
      {Kind::kBytes, "bytes"},     {Kind::kRecords, "records"},
  };
  const std::string name = field.kind == Kind::kStruct ? field.struct_name : names.at(field.kind);
  return field.is_array ? "[]" + name : name;
}

// Zero, false and empty are the defaults that need not be said; numbers may be hexadecimal.
std::string normal_default(const std::string& type, const std::string& text) {
  if (text == "null") {
    return text;
  }
  if (type.starts_with("int") || type.starts_with("uint")) {
    const long long value = text.empty() ? 0 : std::stoll(text, nullptr, 0);
    return value == 0 ? "" : std::to_string(value);
  }
  return text == "false" ? "" : text;
}

std::string our_default(const Field& field, const std::string& type) {
  // Null is what records are without being told.
  if (field.default_is_null) {
    return field.kind == Kind::kRecords ? "" : "null";
  }
  return normal_default(type, field.default_text);
}

void add_fields(MessageFacts& facts, const std::string& owner, const Versions& valid,
                const std::vector<Field>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const Field& field = fields[i];
    const std::string type = type_text(field);
    facts[field_path(owner, i)] =
        field_fact(field.name, type, field.versions.intersect(valid),
                   field.nullable.intersect(valid), field.tagged.intersect(valid), field.tag,
                   our_default(field, type), field.ignorable, field.never_flexible);
  }
}

std::string message_fact(const std::string& kind, const std::string& key, const Versions& versions,
                         const Versions& flexible) {
  return fmt::format("{} key {} versions {} flexible {}", kind, key, versions.to_string(),
                     flexible.intersect(versions).to_string());
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> columns;
  std::string column;
  for (const char c : line + "|") {
    if (c == '|') {
      columns.push_back(column);
      column.clear();
    } else if (c != ' ') {
      column += c;
    }
  }
  return columns;
}

Versions parse(const std::string& text) {
  const auto versions = Versions::parse(text);
  if (!versions) {
    throw std::runtime_error("not a range of versions: " + text);
  }
  return *versions;
}

}  // namespace

MessageFacts facts_of(const Message& message, int api_key) {
  static const std::map<MessageKind, std::string> kinds{{MessageKind::kRequest, "request"},
                                                        {MessageKind::kResponse, "response"},
                                                        {MessageKind::kHeader, "header"},
                                                        {MessageKind::kRecord, "data"}};
  MessageFacts facts;
  facts[""] = message_fact(kinds.at(message.kind), std::to_string(api_key), message.versions,
                           message.flexible);
  add_fields(facts, "", message.versions, message.fields);
  for (const schemagen::Struct& inner : message.structs) {
    facts[inner.name] = "versions " + inner.versions.intersect(message.versions).to_string();
    add_fields(facts, inner.name, message.versions, inner.fields);
  }
  return facts;
}

std::map<std::string, MessageFacts> facts_of_kafka(const std::string& lines) {
  std::map<std::string, MessageFacts> messages;
  std::map<std::string, Versions> valid;
  std::map<std::string, std::size_t> next_index;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> c = split(line);
    MessageFacts& facts = messages[c.at(1)];
    if (c[0] == "message") {
      valid[c[1]] = parse(c.at(4));
      facts[""] = message_fact(c.at(2), c.at(3), valid[c[1]], parse(c.at(5)));
    } else if (c[0] == "struct") {
      facts[c.at(2)] = "versions " + parse(c.at(3)).intersect(valid.at(c[1])).to_string();
    } else {
      const Versions& message_versions = valid.at(c[1]);
      const std::size_t index = next_index[c[1] + "." + c.at(2)]++;
      facts[field_path(c[2], index)] =
          field_fact(c.at(3), c.at(4), parse(c.at(5)).intersect(message_versions),
                     parse(c.at(6)).intersect(message_versions),
                     parse(c.at(7)).intersect(message_versions), std::stoi(c.at(8)),
                     normal_default(c[4], c.at(9)), c.at(10) == "true", c.at(11) == "none");
    }
  }
  return messages;
}

std::vector<std::string> differences(const MessageFacts& ours, const MessageFacts& kafkas) {
  std::vector<std::string> lines;
  for (const auto& [path, fact] : kafkas) {
    const auto mine = ours.find(path);
    if (mine == ours.end()) {
      lines.push_back(fmt::format("{}: Kafka has '{}', we have nothing", path, fact));
    } else if (mine->second != fact) {
      lines.push_back(fmt::format("{}: Kafka has '{}', we have '{}'", path, fact, mine->second));
    }
  }
  for (const auto& [path, fact] : ours) {
    if (!kafkas.contains(path)) {
      lines.push_back(fmt::format("{}: we have '{}', Kafka has nothing", path, fact));
    }
  }
  return lines;
}

}  // namespace barnabas::oracle
