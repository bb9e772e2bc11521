// The loader of schemas: ranges, names, and that slips are refused with their place.
#include "schema.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace barnabas::schemagen {
namespace {

using ::testing::HasSubstr;

TEST(Schema, RangesOfVersions) {
  EXPECT_EQ(Versions::parse("3"), (Versions{3, 3}));
  EXPECT_EQ(Versions::parse("0-3"), (Versions{0, 3}));
  EXPECT_EQ(Versions::parse("3+"), (Versions{3, Versions::kOpen}));
  EXPECT_TRUE(Versions::parse("none")->is_empty());
  for (const char* const text : {"", "x", "3-", "-3", "5-3", "3 +", "1-2-3"}) {
    EXPECT_FALSE(Versions::parse(text).has_value()) << text;
  }
}

TEST(Schema, NamesBecomeFileAndMemberNames) {
  EXPECT_EQ(snake_case("ListOffsets"), "list_offsets");
  EXPECT_EQ(snake_case("isKRaftController"), "is_kraft_controller");
  EXPECT_EQ(snake_case("V3AndBelowProducerId"), "v3_and_below_producer_id");
}

class SchemaFile : public ::testing::Test {
 protected:
  // What loading "thing.yaml" with these fields says.
  std::string error_of(const std::string& fields, const std::string& flexible = "1+") {
    const auto folder =
        std::filesystem::temp_directory_path() / ("barnabas-schema-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "thing.yaml")
        << "message: Thing\nkind: record\nversions: 0-2\nflexible: " << flexible << "\nfields:\n"
        << fields;
    std::string error;
    try {
      (void)load_schema(folder / "thing.yaml");
    } catch (const std::exception& thrown) {
      error = thrown.what();
    }
    std::filesystem::remove_all(folder);
    return error;
  }
};

TEST_F(SchemaFile, AGoodOneLoads) {
  EXPECT_EQ(
      error_of("  - {name: A, type: int32}\n"
               "  - {name: B, type: string, versions: 1+, nullable: 1+, tag: 0, tagged: 1+}\n"),
      "");
}

TEST_F(SchemaFile, SlipsAreRefusedWithTheirPlace) {
  EXPECT_THAT(error_of("  - {name: A, type: int23}\n"), HasSubstr("no struct int23"));
  EXPECT_THAT(error_of("  - {name: A, type: int32, version: 1+}\n"),
              HasSubstr("thing.yaml: Thing.A: unknown key 'version'"));
  EXPECT_THAT(error_of("  - {name: A, type: int32, versions: 1..2}\n"), HasSubstr("Thing.A"));
  EXPECT_THAT(error_of("  - {name: A, type: int32, tag: 0}\n"), HasSubstr("'tagged'"));
  EXPECT_THAT(error_of("  - {name: A, type: int32, tag: 0, tagged: 0+}\n"),
              HasSubstr("not flexible"));
  EXPECT_THAT(error_of("  - {name: A, type: string, default: null}\n"),
              HasSubstr("never nullable"));
}

}  // namespace
}  // namespace barnabas::schemagen
