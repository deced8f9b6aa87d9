forager_fuzz(xray ${CMAKE_CURRENT_LIST_DIR}/xray_fuzz.cpp LINK forager_receive_xray forager_segment_spans)
