forager_unit_test(export LINK forager_delivery $<TARGET_NAME_IF_EXISTS:forager_destination>
  $<TARGET_NAME_IF_EXISTS:forager_exporter>)
