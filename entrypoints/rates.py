"""Rates as people write them: `600/minute`, `10/second`, or a number alone, which is per minute."""

import re
from types import MappingProxyType

from chatcore.fair_use import Rate

PATTERN = r"^[1-9][0-9]{0,8}(/(second|minute|hour|day))?$"
_SECONDS = MappingProxyType({"second": 1, "minute": 60, "hour": 3600, "day": 86_400})


def rate_of(text: str) -> Rate:
    """Return the rate that a text says.

    Raises:
        ValueError: it says none.
    """
    if re.fullmatch(PATTERN, text) is None:
        raise ValueError(f"{text!r} is no rate")
    requests, _, period = text.partition("/")
    return Rate(requests=int(requests), seconds=_SECONDS[period or "minute"])
