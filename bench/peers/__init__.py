"""The programs that run inside the peers' environment; of ours they import only the marks."""
