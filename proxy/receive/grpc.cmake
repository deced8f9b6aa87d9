include(GrpcStatic)
forager_library(receive_grpc grpc.cpp grpc_bind.cpp grpc_call.cpp LINK forager_async forager_otlp_json grpc_static)
