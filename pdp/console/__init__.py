"""The approver's console: server-rendered pages beside the gRPC front door."""
