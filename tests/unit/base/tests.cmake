forager_unit_test(base LINK forager_base forager_ledger $<TARGET_NAME_IF_EXISTS:forager_inflate>
  $<TARGET_NAME_IF_EXISTS:forager_compress>)
