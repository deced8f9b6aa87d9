find_package(simdjson REQUIRED)
forager_fuzz(json ${CMAKE_CURRENT_LIST_DIR}/json_fuzz.cpp LINK forager_otlp_json forager_otlp forager_proto simdjson::simdjson)
