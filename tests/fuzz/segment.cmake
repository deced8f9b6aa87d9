forager_fuzz(segment ${CMAKE_CURRENT_LIST_DIR}/segment_fuzz.cpp LINK forager_journal)
