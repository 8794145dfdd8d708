"""The gRPC front door: protobuf messages to domain values and back, and nothing that decides."""
