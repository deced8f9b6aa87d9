forager_library(
    exporter exporter.cpp state_log.cpp LINK forager_async forager_compress forager_delivery forager_destination)
    target_compile_definitions(forager_exporter INTERFACE FORAGER_HAS_EXPORTER)
