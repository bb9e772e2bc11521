# Compiler settings and the two functions every folder of the tree uses:
#   barnabas_module(<name> SOURCES ... DEPENDS <module>... LINK <library>...)
#   barnabas_unit_test(<module> SOURCES ... [DEPENDS <module>...])
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Two checkouts, and two build folders outside of one, share what they compiled: paths are taken
  # relative to the build folder. The slack is what ccache asks for where headers are precompiled.
  set(shared /)
  cmake_path(IS_PREFIX CMAKE_SOURCE_DIR ${CMAKE_BINARY_DIR} inside)
  if(inside)
    set(shared ${CMAKE_SOURCE_DIR})
  endif()
  set(CMAKE_CXX_COMPILER_LAUNCHER
    ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${shared} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE_PROGRAM})
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

# Half of what a source of ours costs is the standard library's headers, so they are read once a
# build. Not with the sanitizers of memory, whose compile commands clang-tidy reads: that build shows
# that every file names what it needs.
set(precompile_default ON)
if(BARNABAS_SANITIZE MATCHES address)
  set(precompile_default OFF)
endif()
option(BARNABAS_PRECOMPILE "Precompile the standard library's headers" ${precompile_default})
if(BARNABAS_PRECOMPILE)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
  set(empty ${CMAKE_CURRENT_BINARY_DIR}/precompiled.cc)
  file(CONFIGURE OUTPUT ${empty} CONTENT "// Owns the precompiled headers.\n")
  add_library(barnabas_precompiled STATIC EXCLUDE_FROM_ALL ${empty})
  target_link_libraries(barnabas_precompiled PRIVATE Threads::Threads fmt::fmt)
  target_precompile_headers(barnabas_precompiled PRIVATE
    <algorithm> <array> <atomic> <chrono> <cstdint> <cstring> <deque> <expected> <functional> <map>
    <memory> <mutex> <optional> <set> <span> <string> <string_view> <tuple> <unordered_map>
    <unordered_set> <utility> <variant> <vector> <fmt/format.h>)
  if(BARNABAS_TESTS)
    find_package(GTest REQUIRED)
    add_library(barnabas_precompiled_tests STATIC EXCLUDE_FROM_ALL ${empty})
    target_link_libraries(barnabas_precompiled_tests PRIVATE Threads::Threads fmt::fmt GTest::gmock)
    target_precompile_headers(barnabas_precompiled_tests PRIVATE
      <map> <memory> <optional> <string> <vector> <fmt/format.h> <gmock/gmock.h> <gtest/gtest.h>)
  endif()
endif()

# barnabas_precompiled_headers(<target> <owner of the precompiled headers>)
function(barnabas_precompiled_headers target owner)
  if(BARNABAS_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  endif()
endfunction()

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
  barnabas_precompiled_headers(barnabas_${name} barnabas_precompiled)
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
  barnabas_precompiled_headers(${target} barnabas_precompiled_tests)
  add_dependencies(unit_tests ${target})
  gtest_discover_tests(${target} TEST_PREFIX "unit.${module}." DISCOVERY_MODE PRE_TEST
                       PROPERTIES LABELS unit TIMEOUT 120)
endfunction()
