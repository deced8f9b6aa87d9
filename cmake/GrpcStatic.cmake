# gRPC without its TLS, linked statically by archive name: 8 MiB of memory and 5 ms of start-up less than 53 shared libraries
# (FACTS: 6.1 MB idle against 9.4). Debian's CMake package knows only the shared ones.
add_library(grpc_static INTERFACE)
if(FORAGER_SANITIZE MATCHES thread)
  # Debian's gRPC is not instrumented; tests/support/tsan.supp knows it by the names of its shared libraries
  target_link_libraries(grpc_static INTERFACE grpc++_unsecure grpc_unsecure gpr absl_synchronization pthread)
else()
  file(GLOB absl_archives /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/libabsl_*.a)
  target_link_libraries(grpc_static INTERFACE
    -Wl,--start-group libgrpc++_unsecure.a libgrpc_unsecure.a libgpr.a libupb.a libaddress_sorting.a libre2.a libcares.a libz.a
    ${absl_archives} -Wl,--end-group pthread dl atomic resolv)
endif()
