forager_unit_test(aws LINK forager_aws_rules)
if(NOT FORAGER_CORE_ONLY)
  forager_unit_test(aws_live LINK forager_aws forager_delivery)
endif()
