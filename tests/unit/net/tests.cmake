forager_unit_test(net LINK forager_net)
