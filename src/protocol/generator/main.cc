// barnabas_schemagen: turns schemas into C++.
//   barnabas_schemagen api <schema.yaml> <header> <source> <any_message source>
//   barnabas_schemagen tables <schema folder> <api_key.h> <api_table.cc> <message_list.cc>
// A file whose text would stay the same is left alone, so that nothing that includes it is built
// again. Anything wrong in a schema ends the build with the file and the field.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "emit.h"
#include "schema.h"

namespace {

namespace gen = barnabas::schemagen;

void write_if_changed(const std::filesystem::path& file, const std::string& text) {
  {
    std::ifstream old(file, std::ios::binary);
    const std::string before{std::istreambuf_iterator<char>(old), {}};
    if (old && before == text) {
      return;
    }
  }
  std::filesystem::create_directories(file.parent_path());
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  if (!out) {
    throw std::runtime_error("cannot write " + file.string());
  }
}

void generate_api(std::span<char*> args) {
  const gen::Schema schema = gen::load_schema(args[0]);
  write_if_changed(args[1], gen::emit_header(schema));
  write_if_changed(args[2], gen::emit_source(schema));
  write_if_changed(args[3], gen::emit_any_message(schema));
}

void generate_tables(std::span<char*> args) {
  const std::vector<gen::Schema> schemas = gen::load_schemas(args[0]);
  write_if_changed(args[1], gen::emit_api_key_header(schemas));
  write_if_changed(args[2], gen::emit_api_table(schemas));
  write_if_changed(args[3], gen::emit_message_list(schemas));
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> args(argv, static_cast<std::size_t>(argc));
  try {
    if (args.size() == 6 && std::string_view(args[1]) == "api") {
      generate_api(args.subspan(2));
    } else if (args.size() == 6 && std::string_view(args[1]) == "tables") {
      generate_tables(args.subspan(2));
    } else {
      std::fputs("usage: barnabas_schemagen api|tables <input> <output> <output> <output>\n",
                 stderr);
      return 2;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "barnabas_schemagen: %s\n", error.what());
    return 1;
  }
  return 0;
}
