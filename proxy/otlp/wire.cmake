#What is known of OTLP's protobuf encoding: check, cut, edit in place.
forager_library(otlp walk.cpp wire.cpp take_apart.cpp log_time.cpp enrich.cpp resource_text.cpp LINK forager_base)
