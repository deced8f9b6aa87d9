forager_library(ledger ledger.cpp LINK forager_base)
