"""The pages at `/scheduler/`, drawn by the server, and `/healthz`."""
