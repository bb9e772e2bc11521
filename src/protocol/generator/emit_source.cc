#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cpp_text.h"
#include "emit.h"

namespace barnabas::schemagen {
namespace {

// How generated code names a member: some have the name of a parameter or variable there.
std::string self(const Field& field) {
  static const std::set<std::string> locals{"version", "in",   "out", "count",
                                            "mark",    "left", "item"};
  return locals.contains(field.member) ? "this->" + field.member : field.member;
}

// Emits read() and write() of one struct (or of a message's own fields).
class BodyEmitter {
 public:
  BodyEmitter(Code& code, const Message& message, std::string type, Versions context,
              const std::vector<Field>& fields)
      : code_(code),
        message_(message),
        type_(std::move(type)),
        context_(context),
        fields_(fields),
        is_flexible_(condition(message.flexible, context)) {
    for (const Field& field : fields) {
      if (field.tag >= 0) {
        tagged_.push_back(&field);
      }
    }
    std::ranges::sort(tagged_, {}, [](const Field* field) { return field->tag; });
  }

  void emit() {
    code_.line(fmt::format("bool {0}::operator==(const {0}&) const = default;", type_));
    code_.line();
    code_.open(fmt::format(
        "void {}::read([[maybe_unused]] Reader& in, [[maybe_unused]] std::int16_t version)",
        type_));
    for (const Field& field : fields_) {
      emit_read(field);
    }
    emit_read_tagged();
    code_.close();
    code_.line();
    code_.open(
        fmt::format("void {}::write([[maybe_unused]] Writer& out, "
                    "[[maybe_unused]] std::int16_t version) const",
                    type_));
    for (const Field& field : fields_) {
      emit_write(field);
    }
    emit_write_tagged();
    code_.close();
    code_.line();
  }

 private:
  [[nodiscard]] std::string flexible(const Field& field) const {
    return field.never_flexible ? "false" : condition(message_.flexible, field_context(field));
  }
  [[nodiscard]] Versions field_context(const Field& field) const {
    return field.versions.intersect(context_);
  }
  [[nodiscard]] std::string nullable(const Field& field) const {
    return condition(field.nullable, field_context(field));
  }
  [[nodiscard]] std::string label(const Field& field) const {
    return fmt::format("\"{}.{}\"", message_.name, field.name);
  }

  void emit_read(const Field& field) {
    if (field.tag >= 0) {
      code_.line(reset(field, self(field)));
      return;
    }
    const std::string present = condition(field.versions, context_);
    if (present == "true") {
      emit_read_value(field);
    } else if (present == "false") {
      code_.line(reset(field, self(field)));
    } else {
      code_.open(fmt::format("if ({})", present));
      emit_read_value(field);
      code_.reopen("else");
      code_.line(reset(field, self(field)));
      code_.close();
    }
  }

  void emit_read_value(const Field& field) {
    if (field.is_array) {
      emit_read_array(field);
      return;
    }
    const std::string x = self(field);
    const std::string args = fmt::format("{}, {}", flexible(field), label(field));
    const std::string nullable_args =
        fmt::format("{}, {}, {}", flexible(field), nullable(field), label(field));
    switch (field.kind) {
      case Kind::kBool:
        code_.line(x + " = in.read_bool();");
        break;
      case Kind::kFloat64:
        code_.line(x + " = in.read_double();");
        break;
      case Kind::kUuid:
        code_.line(x + " = in.read_uuid();");
        break;
      case Kind::kString:
        code_.line(field.is_optional()
                       ? fmt::format("in.read_nullable_string({}, {});", x, nullable_args)
                       : fmt::format("in.read_string({}, {});", x, args));
        break;
      case Kind::kBytes:
        code_.line(field.is_optional()
                       ? fmt::format("in.read_nullable_bytes({}, {});", x, nullable_args)
                       : fmt::format("in.read_bytes({}, {});", x, args));
        break;
      case Kind::kRecords:
        code_.line(fmt::format("in.read_records({}, {});", x, nullable_args));
        break;
      case Kind::kStruct:
        emit_read_struct(field);
        break;
      default:
        code_.line(fmt::format("{} = in.read<{}>();", x, element_type(field)));
    }
  }

  void emit_read_struct(const Field& field) {
    const std::string x = self(field);
    if (!field.is_optional()) {
      code_.line(x + ".read(in, version);");
      return;
    }
    if (field.tag >= 0) {
      // Kafka marks a nullable struct by an unsigned varint here, and by a signed byte elsewhere.
      code_.open("if (in.read_uvarint() != 0)");
    } else {
      code_.open(fmt::format("if ({} || in.read_presence())", negate(nullable(field))));
    }
    code_.line(fmt::format("ensure({}).read(in, version);", x));
    code_.reopen("else");
    code_.line(x + ".reset();");
    code_.close();
  }

  void emit_read_array(const Field& field) {
    const std::string x = self(field);
    const auto length =
        fmt::format("in.read_array_length({}, {}, {}, {})", flexible(field), nullable(field),
                    least_element_size(message_, field, field_context(field)), label(field));
    if (field.is_optional()) {
      code_.open(fmt::format("if (const std::int64_t count = {}; count < 0)", length));
      code_.line(x + ".reset();");
      code_.reopen("else");
      emit_read_elements(field, fmt::format("ensure({})", x), "count");
      code_.close();
    } else {
      emit_read_elements(field, x, length);
    }
  }

  void emit_read_elements(const Field& field, const std::string& x, const std::string& count) {
    switch (field.kind) {
      case Kind::kStruct:
        code_.line(fmt::format("read_structs(in, {}, {}, version);", x, count));
        break;
      case Kind::kString:
        code_.line(fmt::format("read_strings(in, {}, {}, {}, {});", x, count, flexible(field),
                               label(field)));
        break;
      case Kind::kUuid:
        code_.line(fmt::format("read_uuids(in, {}, {});", x, count));
        break;
      default:
        code_.line(fmt::format("read_integers(in, {}, {});", x, count));
    }
  }

  void emit_read_tagged() {
    if (is_flexible_ == "false") {
      return;
    }
    if (is_flexible_ != "true") {
      code_.open(fmt::format("if ({})", is_flexible_));
    }
    if (tagged_.empty()) {
      code_.line("in.skip_tagged_fields();");
    } else {
      code_.open("for (std::uint32_t left = in.read_tagged_count(); left > 0 && in.ok(); --left)");
      code_.line("const Reader::TagMark mark = in.begin_tagged();");
      code_.open("switch (mark.tag)");
      for (const Field* field : tagged_) {
        emit_read_tag_case(*field);
      }
      code_.open("default:");
      code_.line("in.skip_tagged(mark);");
      code_.close();
      code_.close();
      code_.close();
    }
    if (is_flexible_ != "true") {
      code_.close();
    }
  }

  void emit_read_tag_case(const Field& field) {
    const std::string present = condition(field.versions, context_.intersect(message_.flexible));
    if (present == "false") {
      return;
    }
    code_.open(fmt::format("case {}:", field.tag));
    if (present != "true") {
      code_.open(fmt::format("if (!({}))", present));
      code_.line("in.skip_tagged(mark);");
      code_.line("break;");
      code_.close();
    }
    emit_read_value(field);
    code_.line("in.end_tagged(mark);");
    code_.line("break;");
    code_.close();
  }

  void emit_write(const Field& field) {
    const std::string present = condition(field.versions, context_);
    const std::string reject = fmt::format("out.reject_field({}, version);", label(field));
    const bool must_reject = !field.ignorable && present != "true";
    if (field.tag >= 0) {
      if (must_reject) {
        code_.open(
            fmt::format("if ({} && !({}))", negate(present), is_default(field, self(field))));
        code_.line(reject);
        code_.close();
      }
      return;
    }
    if (present == "true") {
      emit_write_value(field);
      return;
    }
    if (present == "false") {
      if (must_reject) {
        code_.open(fmt::format("if (!({}))", is_default(field, self(field))));
        code_.line(reject);
        code_.close();
      }
      return;
    }
    code_.open(fmt::format("if ({})", present));
    emit_write_value(field);
    if (must_reject) {
      code_.reopen(fmt::format("else if (!({}))", is_default(field, self(field))));
      code_.line(reject);
    }
    code_.close();
  }

  void emit_write_value(const Field& field) {
    const std::string x = self(field);
    if (!field.is_optional()) {
      emit_write_present(field, x);
      return;
    }
    const bool plain_struct = field.kind == Kind::kStruct && !field.is_array;
    if (plain_struct) {
      code_.line(field.tag >= 0 ? fmt::format("out.write_uvarint({}.has_value() ? 1 : 0);", x)
                                : fmt::format("out.write_presence({}.has_value(), {}, {});", x,
                                              nullable(field), label(field)));
      code_.open(fmt::format("if ({}.has_value())", x));
      emit_write_present(field, "(*" + x + ")");
      code_.close();
      return;
    }
    code_.open(fmt::format("if ({}.has_value())", x));
    emit_write_present(field, "(*" + x + ")");
    code_.reopen("else");
    code_.line(fmt::format("out.write_null({}, {}, {}, {});", flexible(field),
                           field.kind == Kind::kString && !field.is_array, nullable(field),
                           label(field)));
    code_.close();
  }

  void emit_write_present(const Field& field, const std::string& x) {
    if (field.is_array) {
      emit_write_array(field, x);
      return;
    }
    const std::string args = fmt::format("{}, {}, {}", x, flexible(field), label(field));
    switch (field.kind) {
      case Kind::kBool:
        code_.line(fmt::format("out.write_bool({});", x));
        break;
      case Kind::kFloat64:
        code_.line(fmt::format("out.write_double({});", x));
        break;
      case Kind::kUuid:
        code_.line(fmt::format("out.write_uuid({});", x));
        break;
      case Kind::kString:
        code_.line(fmt::format("out.write_string({});", args));
        break;
      case Kind::kBytes:
        code_.line(fmt::format("out.write_bytes({});", args));
        break;
      case Kind::kRecords:
        code_.line(fmt::format("out.write_records({}, {}, {}, {});", x, flexible(field),
                               nullable(field), label(field)));
        break;
      case Kind::kStruct:
        code_.line(fmt::format("{}.write(out, version);", x));
        break;
      default:
        code_.line(fmt::format("out.write({});", x));
    }
  }

  void emit_write_array(const Field& field, const std::string& x) {
    code_.line(fmt::format("out.write_array_length({}.size(), {}, {});", x, flexible(field),
                           label(field)));
    code_.open(fmt::format("for (const auto& item : {})", x));
    Field element = field;
    element.is_array = false;
    emit_write_present(element, "item");
    code_.close();
  }

  void emit_write_tagged() {
    if (is_flexible_ == "false") {
      return;
    }
    if (is_flexible_ != "true") {
      code_.open(fmt::format("if ({})", is_flexible_));
    }
    std::string count;
    const Versions context = context_.intersect(message_.flexible);
    for (const Field* field : tagged_) {
      const std::string present = condition(field->versions, context);
      std::string wanted = fmt::format("!({})", is_default(*field, self(*field)));
      if (present != "true") {
        wanted = fmt::format("({}) && {}", present, wanted);
      }
      code_.line(fmt::format("const bool has_tag_{} = {};", field->tag, wanted));
      count += fmt::format("{}static_cast<std::uint32_t>(has_tag_{})", count.empty() ? "" : " + ",
                           field->tag);
    }
    code_.line(fmt::format("out.write_uvarint({});", count.empty() ? "0" : count));
    for (const Field* field : tagged_) {
      code_.open(fmt::format("if (has_tag_{})", field->tag));
      code_.line(fmt::format("const std::size_t mark = out.begin_tagged({});", field->tag));
      emit_write_value(*field);
      code_.line("out.end_tagged(mark);");
      code_.close();
    }
    if (is_flexible_ != "true") {
      code_.close();
    }
  }

  static std::string negate(const std::string& expression) {
    return expression == "true"    ? "false"
           : expression == "false" ? "true"
                                   : "!(" + expression + ")";
  }

  Code& code_;
  const Message& message_;
  std::string type_;
  Versions context_;
  const std::vector<Field>& fields_;
  std::string is_flexible_;
  std::vector<const Field*> tagged_;
};

void emit_entry_points(Code& code, const std::string& name) {
  code.open(fmt::format("Status {}::decode(Reader& in, std::int16_t version)", name));
  code.open("if (in.supports(version, kMinVersion, kMaxVersion, kName))");
  code.line("read(in, version);");
  code.close();
  code.line("return in.status();");
  code.close();
  code.line();
  code.open(fmt::format("Status {}::encode(Writer& out, std::int16_t version) const", name));
  code.line("const Writer::Mark begin = out.mark();");
  code.open("if (out.supports(version, kMinVersion, kMaxVersion, kName))");
  code.line("write(out, version);");
  code.close();
  code.line("return out.finish(begin);");
  code.close();
  code.line();
}

}  // namespace

std::string emit_source(const Schema& schema) {
  Code code;
  code.line(banner(schema));
  code.line(fmt::format("#include \"barnabas/protocol/gen/{}.h\"", schema.stem));
  code.line();
  code.line("#include \"codec.h\"");
  code.line();
  code.line("namespace barnabas::protocol {");
  code.line();
  for (const Message& message : schema.messages) {
    for (const Struct& inner : message.structs) {
      BodyEmitter(code, message, message.name + "::" + inner.name, struct_context(message, inner),
                  inner.fields)
          .emit();
    }
    BodyEmitter(code, message, message.name, message.versions, message.fields).emit();
    emit_entry_points(code, message.name);
  }
  code.line("}  // namespace barnabas::protocol");
  return code.text();
}

}  // namespace barnabas::schemagen
