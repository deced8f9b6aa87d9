forager_fuzz(rollbar ${CMAKE_CURRENT_LIST_DIR}/rollbar_fuzz.cpp LINK forager_destination forager_otlp)
