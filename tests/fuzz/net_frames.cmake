# Frames: any stream, cut in any way, yields what a plain reader makes of it.
add_executable(fuzz_net_frames net_frames_fuzz.cc)
target_compile_options(fuzz_net_frames PRIVATE -fsanitize=fuzzer)
target_link_options(fuzz_net_frames PRIVATE -fsanitize=fuzzer)
target_include_directories(fuzz_net_frames PRIVATE ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(fuzz_net_frames PRIVATE barnabas::net)
add_test(NAME fuzz.net_frames
  COMMAND fuzz_net_frames ${fuzz_options} -max_len=65536
          -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/
          ${CMAKE_CURRENT_BINARY_DIR}/net_frames_corpus)
file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/net_frames_corpus)
set_tests_properties(fuzz.net_frames PROPERTIES LABELS fuzz TIMEOUT ${fuzz_timeout})
