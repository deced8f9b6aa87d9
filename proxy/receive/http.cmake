# OTLP/HTTP. Of Beast only the header parser; TLS stays out, so it compiles in seconds.
forager_library(receive_http http.cpp http_session.cpp http_body.cpp http_answer.cpp http_head.cpp http_rules.cpp http_reply.cpp
  LINK forager_async forager_otlp_json)
