# Frames (request header, then the body it names) and every message decoder by itself, seeded with
# recorded frames.
add_executable(fuzz_protocol protocol_fuzz.cc)
target_compile_options(fuzz_protocol PRIVATE -fsanitize=fuzzer)
target_link_options(fuzz_protocol PRIVATE -fsanitize=fuzzer)
target_link_libraries(fuzz_protocol PRIVATE barnabas_protocol_testing)

# The frames lie in an archive; a few of each API, small ones, are the first corpus.
add_executable(fuzz_protocol_seeds protocol_seeds.cc)
target_link_libraries(fuzz_protocol_seeds PRIVATE golden_frames barnabas_protocol_testing)
set(corpus ${CMAKE_CURRENT_BINARY_DIR}/protocol_corpus)
add_dependencies(fuzzers fuzz_protocol_seeds)
add_test(NAME fuzz.protocol.seeds COMMAND fuzz_protocol_seeds ${corpus}_seeds)
set_tests_properties(fuzz.protocol.seeds PROPERTIES LABELS fuzz TIMEOUT 60
  FIXTURES_SETUP fuzz_protocol_seeds)

file(MAKE_DIRECTORY ${corpus}_frame ${corpus}_message)
foreach(what frame message)
  add_test(NAME fuzz.protocol.${what}
    COMMAND fuzz_protocol ${fuzz_options} -max_len=4096
            -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/protocol_${what}_
            ${corpus}_${what} ${corpus}_seeds/${what})
  set_tests_properties(fuzz.protocol.${what} PROPERTIES LABELS fuzz TIMEOUT ${fuzz_timeout}
    FIXTURES_REQUIRED fuzz_protocol_seeds ENVIRONMENT BARNABAS_FUZZ_TARGET=${what})
endforeach()
