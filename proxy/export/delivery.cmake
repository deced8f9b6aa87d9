forager_library(delivery retry.cpp waiting.cpp delivery.cpp screening.cpp verdicts.cpp apart.cpp LINK
                    forager_batch forager_journal forager_ledger forager_otlp)
