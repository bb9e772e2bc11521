#include <fmt/format.h>

#include "cpp_text.h"
#include "emit.h"

namespace barnabas::schemagen {
namespace {

std::string fill_value(const Field& field, const std::string& x) {
  return field.kind == Kind::kStruct ? fmt::format("fill({}, random, version);", x)
                                     : fmt::format("random.fill({});", x);
}

void emit_fill_field(Code& code, const Versions& context, const Field& field) {
  const std::string present = condition(field.versions, context);
  if (present == "false") {
    return;
  }
  const std::string nullable = condition(field.nullable, field.versions.intersect(context));
  code.open(fmt::format("if ({}!random.keep_default())",
                        present == "true" ? "" : "(" + present + ") && "));
  const std::string member = "value." + field.member;
  std::string x = member;
  if (nullable != "false") {
    code.open(
        fmt::format("if ({}random.null())", nullable == "true" ? "" : "(" + nullable + ") && "));
    code.line(field.is_optional() ? member + ".reset();" : member + " = Records();");
    code.reopen("else");
  }
  if (field.is_optional()) {
    x = "present";
    code.line(fmt::format("auto& present = {0}.has_value() ? *{0} : {0}.emplace();", member));
  }
  if (field.is_array) {
    code.open(fmt::format("for (auto& item : random.resize({}))", x));
    code.line(fill_value(field, "item"));
    code.close();
  } else {
    code.line(fill_value(field, x));
  }
  if (nullable != "false") {
    code.close();
  }
  code.reopen("else");
  if (field.is_optional() && !field.default_is_null) {
    code.line(reset(field, member));
  } else if (field.is_optional() && nullable != "true") {
    // Its default is null, which this version may not be able to say.
    code.open(fmt::format("if ({} && !({}))", present, nullable));
    code.line(member + ".emplace();");
    code.close();
  }
  code.close();
}

void emit_fill(Code& code, const std::string& type, const Versions& context,
               const std::vector<Field>& fields) {
  code.open(
      fmt::format("void fill([[maybe_unused]] {}& value, [[maybe_unused]] Filler& random, "
                  "[[maybe_unused]] std::int16_t version)",
                  type));
  for (const Field& field : fields) {
    emit_fill_field(code, context, field);
  }
  code.close();
  code.line();
}

std::string describe_value(const Field& field, const std::string& x) {
  return field.kind == Kind::kStruct ? fmt::format("describe({}, out, version);", x)
                                     : fmt::format("out.value({});", x);
}

void emit_describe_field(Code& code, const Versions& context, const Field& field) {
  const std::string present = condition(field.versions, context);
  if (present == "false") {
    return;
  }
  if (present != "true") {
    code.open(fmt::format("if ({})", present));
  }
  code.line(fmt::format("out.name(\"{}\");", field.name));
  std::string x = "value." + field.member;
  if (field.is_optional()) {
    code.open(fmt::format("if (!{}.has_value())", x));
    code.line("out.null();");
    code.reopen("else");
    x = "(*" + x + ")";
  }
  if (field.is_array) {
    code.line("out.open_array();");
    code.open(fmt::format("for (const auto& item : {})", x));
    code.line(describe_value(field, "item"));
    code.line("out.end_item();");
    code.close();
    code.line("out.close_array();");
  } else {
    code.line(describe_value(field, x));
  }
  if (field.is_optional()) {
    code.close();
  }
  code.line("out.end();");
  if (present != "true") {
    code.close();
  }
}

void emit_describe(Code& code, const std::string& type, const Versions& context,
                   const std::vector<Field>& fields) {
  code.open(
      fmt::format("void describe([[maybe_unused]] const {}& value, Describer& out, "
                  "[[maybe_unused]] std::int16_t version)",
                  type));
  code.line("out.open();");
  for (const Field& field : fields) {
    emit_describe_field(code, context, field);
  }
  code.line("out.close();");
  code.close();
  code.line();
}

const char* kind_name(MessageKind kind) {
  switch (kind) {
    case MessageKind::kRequest:
      return "kRequest";
    case MessageKind::kResponse:
      return "kResponse";
    case MessageKind::kHeader:
      return "kHeader";
    case MessageKind::kRecord:
      return "kRecord";
  }
  return "";
}

}  // namespace

std::string emit_any_message(const Schema& schema) {
  Code code;
  code.line(banner(schema));
  code.line(fmt::format("#include \"barnabas/protocol/gen/{}.h\"", schema.stem));
  code.line();
  code.line("#include \"any_message_of.h\"");
  code.line();
  code.line("namespace barnabas::protocol::testing {");
  code.line("namespace {");
  code.line();
  for (const Message& message : schema.messages) {
    for (const Struct& inner : message.structs) {
      const std::string type = message.name + "::" + inner.name;
      emit_fill(code, type, struct_context(message, inner), inner.fields);
      emit_describe(code, type, struct_context(message, inner), inner.fields);
    }
    emit_fill(code, message.name, message.versions, message.fields);
    emit_describe(code, message.name, message.versions, message.fields);
  }
  code.line("}  // namespace");
  code.line();
  for (const Message& message : schema.messages) {
    code.open(fmt::format("MessageType {}_type()", snake_case(message.name)));
    code.line(fmt::format("return message_type<{0}, &fill, &describe>(MessageKind::{1}, {2});",
                          message.name, kind_name(message.kind), schema.key));
    code.close();
    code.line();
  }
  code.line("}  // namespace barnabas::protocol::testing");
  return code.text();
}

std::string emit_message_list(const std::vector<Schema>& schemas) {
  Code code;
  code.line("// Generated from schemas/*.yaml; changes belong there.");
  code.line("#include \"any_message.h\"");
  code.line();
  code.line("namespace barnabas::protocol::testing {");
  code.line();
  for (const Schema& schema : schemas) {
    for (const Message& message : schema.messages) {
      code.line(fmt::format("MessageType {}_type();", snake_case(message.name)));
    }
  }
  code.line();
  code.open("const std::vector<MessageType>& all_messages()");
  code.open("static const std::vector<MessageType> messages");
  for (const Schema& schema : schemas) {
    for (const Message& message : schema.messages) {
      code.line(fmt::format("{}_type(),", snake_case(message.name)));
    }
  }
  code.close(";");
  code.line("return messages;");
  code.close();
  code.line();
  code.line("}  // namespace barnabas::protocol::testing");
  return code.text();
}

}  // namespace barnabas::schemagen
