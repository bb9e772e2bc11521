# Compiler settings and the two functions every folder of the tree uses:
#   barnabas_module(<name> SOURCES ... DEPENDS <module>... LINK <library>...)
#   barnabas_unit_test(<module> SOURCES ... [DEPENDS <module>...])
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_compile_options(-Wthread-safety)
else()
  # g++-12 sees uninitialized members in the unused half of a std::expected (GCC bug 105562 and its
  # kin); clang, which builds everything too, has no such trouble.
  add_compile_options(-Wno-maybe-uninitialized)
endif()
if(BARNABAS_SANITIZE)
  add_compile_options(-fsanitize=${BARNABAS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${BARNABAS_SANITIZE})
endif()

if(BARNABAS_FUZZ)
  # What is fuzzed must be instrumented too, or libFuzzer is blind; its main comes with the fuzzers.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# Everything that the label "unit" runs: what the sanitizer builds build.
add_custom_target(unit_tests)

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)

function(barnabas_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  add_library(barnabas_${name} STATIC ${ARG_SOURCES})
  add_library(barnabas::${name} ALIAS barnabas_${name})
  target_include_directories(barnabas_${name} PUBLIC ${CMAKE_SOURCE_DIR}/include
                                              PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(module IN LISTS ARG_DEPENDS)
    target_link_libraries(barnabas_${name} PUBLIC barnabas::${module})
  endforeach()
  target_link_libraries(barnabas_${name} PUBLIC Threads::Threads fmt::fmt ${ARG_LINK})
endfunction()

function(barnabas_unit_test module)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  set(target unit_${module})
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests ${CMAKE_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE barnabas::${module} GTest::gmock GTest::gtest_main)
  foreach(dependency IN LISTS ARG_DEPENDS)
    target_link_libraries(${target} PRIVATE barnabas::${dependency})
  endforeach()
  add_dependencies(unit_tests ${target})
  gtest_discover_tests(${target} TEST_PREFIX "unit.${module}." DISCOVERY_MODE PRE_TEST
                       PROPERTIES LABELS unit)
endfunction()
