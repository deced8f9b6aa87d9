forager_unit_test(admit LINK forager_admit)
