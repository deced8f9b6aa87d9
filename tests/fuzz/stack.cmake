forager_fuzz(stack ${CMAKE_CURRENT_LIST_DIR}/stack_fuzz.cpp LINK forager_rollbar)
