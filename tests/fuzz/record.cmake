# Record batches: validation and reading of arbitrary bytes, seeded with Kafka's own batches.
add_executable(fuzz_record record_fuzz.cc)
target_compile_options(fuzz_record PRIVATE -fsanitize=fuzzer)
target_link_options(fuzz_record PRIVATE -fsanitize=fuzzer)
target_link_libraries(fuzz_record PRIVATE barnabas::record)
add_test(NAME fuzz.record
  COMMAND fuzz_record ${fuzz_options} -max_len=65536
          -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/
          ${CMAKE_CURRENT_BINARY_DIR}/record_corpus ${CMAKE_SOURCE_DIR}/tests/golden/record)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/record_corpus)
set_tests_properties(fuzz.record PROPERTIES LABELS fuzz TIMEOUT ${fuzz_timeout})
