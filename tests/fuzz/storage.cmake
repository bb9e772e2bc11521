# Files of a log dir and of the metadata journal, damaged in any way; a test for each family of files.
add_executable(fuzz_storage storage_fuzz.cc)
target_compile_options(fuzz_storage PRIVATE -fsanitize=fuzzer)
target_link_options(fuzz_storage PRIVATE -fsanitize=fuzzer)
target_include_directories(fuzz_storage PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(fuzz_storage PRIVATE barnabas::storage barnabas::zk barnabas::test_support)
foreach(what segments indexes checkpoints metadata)
  set(corpus ${CMAKE_CURRENT_BINARY_DIR}/storage_corpus_${what})
  file(MAKE_DIRECTORY ${corpus})
  add_test(NAME fuzz.storage.${what}
    COMMAND fuzz_storage ${fuzz_options} -max_len=4096
            -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/storage_${what}_ ${corpus})
  set_tests_properties(fuzz.storage.${what} PROPERTIES LABELS fuzz TIMEOUT ${fuzz_timeout}
    ENVIRONMENT BARNABAS_FUZZ_TARGET=${what})
endforeach()
