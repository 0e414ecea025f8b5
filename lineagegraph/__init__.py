"""lineagegraph: OpenLineage facts in JanusGraph, and the answers that are inferred from them.

The only package that knows the graph (gremlinpython) and those who ask it.
"""
