"""How much is measured, whole or quick."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Rounds of so many seconds, at so many callers and streams."""

    name: str
    rounds: int
    seconds: float
    callers: tuple[int, ...]
    streams: tuple[int, ...]
    slow_seconds: float
    slow_callers: int
    idle_streams: int
    starts: int
    pgbench_clients: int
    grown_messages: int
    grown_table: int


FULL: Final = Extent(
    name="whole",
    rounds=3,
    seconds=5.0,
    callers=(1, 16, 64, 256),
    streams=(8, 64),
    slow_seconds=8.0,
    slow_callers=500,
    idle_streams=1000,
    starts=3,
    pgbench_clients=16,
    grown_messages=1_000_000,
    grown_table=5_000_000,
)
QUICK: Final = Extent(
    name="quick",
    rounds=2,
    seconds=2.0,
    callers=(1, 16, 64),
    streams=(8,),
    slow_seconds=4.0,
    slow_callers=500,
    idle_streams=200,
    starts=1,
    pgbench_clients=16,
    grown_messages=100_000,
    grown_table=500_000,
)
