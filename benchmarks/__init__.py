"""Benchmarks: never timed tests; each prints a table for people and, with JSON=1, one last line of JSON."""
