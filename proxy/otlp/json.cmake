# OTLP/JSON in both directions and the bodies of answers.
forager_library(otlp_json json.cpp json_text.cpp json_tree.cpp json_value.cpp json_out.cpp reply.cpp reply_read.cpp
  LINK forager_base)
# Segments of X-Ray's SDKs, made into spans.
forager_library(segment_spans segment_spans.cpp segment_attributes.cpp segment_exceptions.cpp segment_numbers.cpp segment_resource.cpp
  LINK forager_otlp_json forager_otlp)
