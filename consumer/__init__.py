"""consumer: OpenLineage records from Kafka, mapped, into the graph; what can never go there, into the dead letters.

The only package that knows Kafka (aiokafka) and the process: settings, signals, health, the command line.
"""
