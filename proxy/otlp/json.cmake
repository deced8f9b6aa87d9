# OTLP/JSON in both directions and the bodies of answers.
forager_library(otlp_json json.cpp json_text.cpp json_value.cpp json_out.cpp reply.cpp reply_read.cpp
  LINK forager_base)
