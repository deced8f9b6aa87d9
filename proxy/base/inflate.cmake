forager_library(inflate inflate.cpp LINK forager_base PkgConfig::DEFLATE PkgConfig::ZSTD)
