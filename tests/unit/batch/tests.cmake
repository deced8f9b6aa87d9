forager_unit_test(batch LINK forager_batch)
