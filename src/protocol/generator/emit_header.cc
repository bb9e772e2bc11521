#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cpp_text.h"
#include "emit.h"

namespace barnabas::schemagen {
namespace {

struct Needs {
  bool string = false;
  bool vector = false;
  bool optional = false;
  bool uuid = false;
  bool bytes = false;
  bool records = false;

  void add(const Field& field) {
    string |= field.kind == Kind::kString;
    vector |= field.is_array;
    optional |= field.is_optional();
    uuid |= field.kind == Kind::kUuid;
    bytes |= field.kind == Kind::kBytes;
    records |= field.kind == Kind::kRecords;
  }
};

Needs needs_of(const Schema& schema) {
  Needs needs;
  for (const Message& message : schema.messages) {
    for (const Field& field : message.fields) {
      needs.add(field);
    }
    for (const Struct& inner : message.structs) {
      for (const Field& field : inner.fields) {
        needs.add(field);
      }
    }
  }
  return needs;
}

void emit_includes(Code& code, const Schema& schema) {
  const Needs needs = needs_of(schema);
  code.line("#include <cstdint>");
  if (needs.optional) {
    code.line("#include <optional>");
  }
  if (needs.string) {
    code.line("#include <string>");
  }
  if (needs.vector) {
    code.line("#include <vector>");
  }
  code.line();
  if (needs.bytes) {
    code.line("#include \"barnabas/base/bytes.h\"");
  }
  code.line("#include \"barnabas/base/result.h\"");
  if (needs.uuid) {
    code.line("#include \"barnabas/base/uuid.h\"");
  }
  if (!schema.api.empty()) {
    code.line("#include \"barnabas/protocol/gen/api_key.h\"");
  }
  if (needs.records) {
    code.line("#include \"barnabas/protocol/records.h\"");
  }
}

void emit_member(Code& code, const Message& message, const Versions& context, const Field& field) {
  std::string note;
  if (!field.versions.contains(context)) {
    note = fmt::format("  // versions {}", field.versions.intersect(message.versions).to_string());
  }
  code.line(fmt::format("{} {}{};{}", member_type(field), field.member, initializer(field), note));
}

// A struct in an optional of its own message must be complete before the message's class begins:
// inside, its default values do not count yet, and it would pass for not constructible.
std::set<std::string> structs_to_hoist(const Message& message) {
  std::set<std::string> names;
  const auto add = [&](const std::vector<Field>& fields, bool all) {
    for (const Field& field : fields) {
      if (field.kind == Kind::kStruct && (all || (field.is_optional() && !field.is_array))) {
        names.insert(field.struct_name);
      }
    }
  };
  add(message.fields, false);
  for (const Struct& inner : message.structs) {
    add(inner.fields, false);
  }
  // Each struct comes after those it uses.
  for (auto inner = message.structs.rbegin(); inner != message.structs.rend(); ++inner) {
    if (names.contains(inner->name)) {
      add(inner->fields, true);
    }
  }
  return names;
}

// The names of hoisted structs as if they were nested.
void emit_aliases(Code& code, const Message& message, const std::vector<Field>& fields) {
  std::set<std::string> done;
  for (const Field& field : fields) {
    if (field.kind == Kind::kStruct && done.insert(field.struct_name).second) {
      code.line(fmt::format("using {0} = {1}{0};", field.struct_name, message.name));
    }
  }
}

void emit_struct(Code& code, const Message& message, const Struct& inner, const std::string& name) {
  code.open("struct " + name);
  if (name != inner.name) {
    emit_aliases(code, message, inner.fields);
  }
  for (const Field& field : inner.fields) {
    emit_member(code, message, struct_context(message, inner), field);
  }
  code.line();
  code.line(fmt::format("bool operator==(const {}&) const;", name));
  code.line("void read(Reader& in, std::int16_t version);");
  code.line("void write(Writer& out, std::int16_t version) const;");
  code.close(";");
  code.line();
}

void emit_message(Code& code, const Schema& schema, const Message& message) {
  const std::set<std::string> hoisted = structs_to_hoist(message);
  for (const Struct& inner : message.structs) {
    if (hoisted.contains(inner.name)) {
      emit_struct(code, message, inner, message.name + inner.name);
    }
  }
  code.open("struct " + message.name);
  code.line(fmt::format("static constexpr const char* kName = \"{}\";", message.name));
  if (!schema.api.empty()) {
    code.line(fmt::format("static constexpr ApiKey kApiKey = ApiKey::k{};", schema.api));
  }
  code.line(
      fmt::format("static constexpr std::int16_t kMinVersion = {};", message.versions.lowest));
  code.line(
      fmt::format("static constexpr std::int16_t kMaxVersion = {};", message.versions.highest));
  code.line();
  for (const Struct& inner : message.structs) {
    if (hoisted.contains(inner.name)) {
      code.line(fmt::format("using {0} = {1}{0};", inner.name, message.name));
    } else {
      emit_struct(code, message, inner, inner.name);
    }
  }
  for (const Field& field : message.fields) {
    emit_member(code, message, message.versions, field);
  }
  if (!message.fields.empty()) {
    code.line();
  }
  code.line(fmt::format("bool operator==(const {}&) const;", message.name));
  code.line("// Reads into this object, whose memory is used again. On an error it holds what had");
  code.line("// been read.");
  code.line("[[nodiscard]] Status decode(Reader& in, std::int16_t version);");
  code.line("// Appends to `out`; on an error `out` is as before.");
  code.line("[[nodiscard]] Status encode(Writer& out, std::int16_t version) const;");
  code.line("void read(Reader& in, std::int16_t version);");
  code.line("void write(Writer& out, std::int16_t version) const;");
  code.close(";");
  code.line();
}

}  // namespace

std::string emit_header(const Schema& schema) {
  Code code;
  code.line(banner(schema));
  code.line("#pragma once");
  code.line();
  emit_includes(code, schema);
  code.line();
  code.line("namespace barnabas::protocol {");
  code.line();
  code.line("class Reader;");
  code.line("class Writer;");
  code.line();
  for (const Message& message : schema.messages) {
    emit_message(code, schema, message);
  }
  code.line("}  // namespace barnabas::protocol");
  return code.text();
}

namespace {

std::vector<const Schema*> apis_by_key(const std::vector<Schema>& schemas) {
  std::vector<const Schema*> apis;
  for (const Schema& schema : schemas) {
    if (!schema.api.empty()) {
      apis.push_back(&schema);
    }
  }
  std::ranges::sort(apis, {}, [](const Schema* schema) { return schema->key; });
  return apis;
}

}  // namespace

std::string emit_api_key_header(const std::vector<Schema>& schemas) {
  Code code;
  code.line("// Generated from schemas/*.yaml; changes belong there.");
  code.line("#pragma once");
  code.line();
  code.line("#include <cstdint>");
  code.line();
  code.line("namespace barnabas::protocol {");
  code.line();
  code.open("enum class ApiKey : std::int16_t");
  for (const Schema* schema : apis_by_key(schemas)) {
    code.line(fmt::format("k{} = {},", schema->api, schema->key));
  }
  code.close(";");
  code.line();
  code.line("}  // namespace barnabas::protocol");
  return code.text();
}

std::string emit_api_table(const std::vector<Schema>& schemas) {
  Code code;
  code.line("// Generated from schemas/*.yaml; changes belong there.");
  code.line("#include \"api_table.h\"");
  code.line();
  code.line("namespace barnabas::protocol {");
  code.line();
  code.open("const std::vector<ApiInfo>& api_table()");
  code.open("static const std::vector<ApiInfo> table");
  for (const Schema* schema : apis_by_key(schemas)) {
    const Message& request = schema->messages.front();
    const Versions flexible = request.flexible.intersect(request.versions);
    code.line(fmt::format("{{ApiKey::k{0}, \"{0}\", {1}, {2}, {3}}},", schema->api,
                          request.versions.lowest, request.versions.highest,
                          flexible.is_empty() ? Versions::kOpen : flexible.lowest));
  }
  code.close(";");
  code.line("return table;");
  code.close();
  code.line();
  code.line("}  // namespace barnabas::protocol");
  return code.text();
}

}  // namespace barnabas::schemagen
