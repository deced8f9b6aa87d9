forager_unit_test(tools LINK forager_tools)
