"""Tests of the pages at /scheduler/ and of /healthz."""
