forager_fuzz(walk ${CMAKE_CURRENT_LIST_DIR}/walk_fuzz.cpp LINK forager_otlp)
