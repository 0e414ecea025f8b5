"""mappers: OpenLineage events to facts, as a pure function of the event and the naming rules.

The only package that knows OpenLineage. It does no I/O, reads no clock, keeps no state and logs nothing.
"""

from mappers.context import BadFacet
from mappers.event import REASONS, Event, Malformed, decode
from mappers.facets import FACETS
from mappers.mapping import Mapped, map_event

__all__ = ["FACETS", "REASONS", "BadFacet", "Event", "Malformed", "Mapped", "decode", "map_event"]
