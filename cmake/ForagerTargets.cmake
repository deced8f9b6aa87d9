# How every target here is compiled, and the three forms a target has: library, unit test, fuzz target.
include(StaticArchives)

add_library(forager_options INTERFACE)
target_compile_options(forager_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
  -Wimplicit-fallthrough -Werror -fno-omit-frame-pointer
  # gcc 12 warns inside libstdc++'s own inlined code; clang is the judge of ours
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow>
  $<$<CONFIG:Debug>:-D_GLIBCXX_ASSERTIONS>)
target_compile_definitions(forager_options INTERFACE
  SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL FORAGER_VERSION="${PROJECT_VERSION}"
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_REGEX)
target_include_directories(forager_options INTERFACE ${CMAKE_SOURCE_DIR}/proxy)
target_link_options(forager_options INTERFACE -fuse-ld=mold -Wl,--gc-sections)
target_compile_options(forager_options INTERFACE -ffunction-sections -fdata-sections)
if(FORAGER_SANITIZE)
  target_compile_options(forager_options INTERFACE -fsanitize=${FORAGER_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(forager_options INTERFACE -fsanitize=${FORAGER_SANITIZE})
endif()
if(FORAGER_FUZZ)  # coverage of the libraries, not only of the target's own file
  target_compile_options(forager_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# forager_library(NAME sources... LINK targets...): the static library forager_NAME of one folder.
function(forager_library name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_library(forager_${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(forager_${name} PUBLIC forager_options ${arg_LINK})
endfunction()

# forager_unit_test(FOLDER LINK targets...): every tests/unit/FOLDER/*_test.cpp in one binary, test_FOLDER.
function(forager_unit_test folder)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${folder}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(test_${folder} ${sources})
  target_link_libraries(test_${folder} PRIVATE ${arg_LINK} GTest::gtest_main)
  target_include_directories(test_${folder} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_options(test_${folder} PRIVATE $<$<CONFIG:Release>:-O0>)  # compiled often, run once
  add_test(NAME ${folder} COMMAND test_${folder} --gtest_brief=1)
endfunction()

# forager_fuzz(NAME source LINK targets...): a libFuzzer target with its corpus in tests/fuzz/corpus/NAME.
function(forager_fuzz name source)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(fuzz_${name} ${source})
  target_link_libraries(fuzz_${name} PRIVATE ${arg_LINK})
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()
