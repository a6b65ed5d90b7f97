"""Tests of tokens, permissions and the audit record."""
