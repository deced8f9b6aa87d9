forager_unit_test(otlp LINK forager_otlp $<TARGET_NAME_IF_EXISTS:forager_segment_spans> $<TARGET_NAME_IF_EXISTS:forager_otlp_json>
  $<TARGET_NAME_IF_EXISTS:forager_proto> GTest::gmock)
