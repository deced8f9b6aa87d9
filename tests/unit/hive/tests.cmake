if(TARGET forager_hive)  # not with FORAGER_CORE_ONLY
  forager_unit_test(hive LINK forager_hive forager_demo)
endif()
