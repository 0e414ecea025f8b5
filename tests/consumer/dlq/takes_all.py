"""A consumer process whose graph takes everything and keeps nothing."""

from __future__ import annotations

import asyncio

from consumer import logs
from consumer.run import How, consume
from consumer.settings import load
from tests.consumer.fakes import FakeStore

if __name__ == "__main__":
    logs.configure("INFO")
    asyncio.run(consume(load(), How(), FakeStore([])))
