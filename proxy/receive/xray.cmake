# The X-Ray daemon's port.
forager_library(receive_xray xray_daemon.cpp xray_batch.cpp xray_bind.cpp xray_datagram.cpp xray_proxy.cpp
  LINK forager_async forager_segment_spans)
