forager_library(compress compress.cpp LINK forager_base)
    target_link_libraries(forager_compress PRIVATE PkgConfig::ZSTD PkgConfig::ISAL)
