if(TARGET forager_admin)  # not with FORAGER_CORE_ONLY
  forager_unit_test(admin LINK forager_admin forager_demo forager_otlp forager_proto)
endif()
