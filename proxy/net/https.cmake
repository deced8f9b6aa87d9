# Beast is in response_reader.cpp alone.
forager_library(net url.cpp proxy.cpp request_head.cpp response_reader.cpp socket_bio.cpp tls.cpp
  stream.cpp connector.cpp https.cpp LINK forager_async OpenSSL::SSL)
