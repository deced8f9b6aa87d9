forager_unit_test(config LINK forager_config)
if(TARGET test_config)
  target_compile_definitions(test_config PRIVATE FORAGER_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endif()
