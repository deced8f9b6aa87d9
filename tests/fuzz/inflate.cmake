# The code under test is compiled in, not linked, so that it is instrumented for coverage.
forager_fuzz(inflate ${CMAKE_CURRENT_LIST_DIR}/inflate_fuzz.cpp LINK forager_base PkgConfig::DEFLATE PkgConfig::ZSTD)
target_sources(fuzz_inflate PRIVATE ${CMAKE_SOURCE_DIR}/proxy/base/inflate.cpp)
