"""The hops along which the facts lie that rules look at."""

from __future__ import annotations

from lineagegraph.reply import ANY, STAY, Hop

OUT, IN = "OUT", "IN"
ALIKE: Hop = (("BOTH", "SAME_AS"),)
NAMES = (ALIKE, ALIKE, ALIKE)
MAKERS = (((IN, "GENERATED_BY"), (IN, "STATES_LINEAGE_OF"), (OUT, "DERIVED_FROM")), ((OUT, "CONSUMES"),))
NAMED: tuple[Hop, ...] = ((STAY, *ALIKE), (STAY, *ALIKE))
MADE: tuple[Hop, ...] = (MAKERS[0], (STAY, *MAKERS[1]))
USERS = (((IN, "CONSUMES"), (IN, "DERIVED_FROM")), ((OUT, "GENERATED_BY"), (OUT, "PRODUCES")))
JOB: tuple[Hop, ...] = (((OUT, "CONSUMES"), (OUT, "GENERATED_BY"), (OUT, "STATES_LINEAGE_OF")),)
READS = ("READ_SCANNED", "READ_AT_START", "READ_LATER")
VERSIONS = (*READS, "WROTE_REPORTED", "WROTE_NAMED")
# What a run read and wrote may be known by its versions alone (schema.EdgeLabel.implies).
ENDS: Hop = ((OUT, "RUN_OF"), (OUT, "READ"), (OUT, "WROTE"), *((OUT, label) for label in VERSIONS))
RUN: tuple[Hop, ...] = (((OUT, ANY),),)
WITH_DATASETS: tuple[Hop, ...] = (*RUN, ((OUT, "VERSION_OF"),))
HELD: Hop = ((OUT, "HOLDS"),)
DAYS = (((OUT, "BUCKET"),), ((OUT, "BUCKET"),))
WRITERS = (HELD, ((IN, "WROTE_NAMED"), (IN, "WROTE_REPORTED")), ((OUT, "WROTE_REPORTED"), (OUT, "PARENT")))
SHARERS = (((IN, "GENERATED_BY"), (IN, "PRODUCES")),)
