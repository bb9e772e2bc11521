# Files of a log dir and of the metadata journal, damaged in any way. The first byte of the input
# chooses the family of files; see storage_fuzz.cc.
add_executable(fuzz_storage storage_fuzz.cc)
target_compile_options(fuzz_storage PRIVATE -fsanitize=fuzzer)
target_link_options(fuzz_storage PRIVATE -fsanitize=fuzzer)
target_include_directories(fuzz_storage PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(fuzz_storage PRIVATE barnabas::storage barnabas::zk barnabas::test_support)
set(corpus ${CMAKE_CURRENT_BINARY_DIR}/storage_corpus)
file(MAKE_DIRECTORY ${corpus})
add_test(NAME fuzz.storage
  COMMAND fuzz_storage -max_total_time=60 -timeout=10 -rss_limit_mb=1024 -max_len=4096
          -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/storage_ ${corpus})
set_tests_properties(fuzz.storage PROPERTIES LABELS fuzz TIMEOUT 180)
