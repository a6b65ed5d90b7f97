"""The workforce directory over gRPC: its protocol, the client, and a server to try it with."""
