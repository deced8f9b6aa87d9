forager_unit_test(journal LINK forager_journal)
