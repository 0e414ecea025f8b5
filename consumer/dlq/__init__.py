"""consumer.dlq: dead letters that people can work with: look, test, mend, replay, and know what became of each.

What is known stands in Kafka alone: the letters in their topic, what became of them in the ledger, so that any
machine sees the same. `lineagegraph dlq` is the front of it; docs/dead-letters.md is the book.
"""
