"""The doors, one after another."""

from collections.abc import AsyncIterator

import pytest

from tests.contract.authenticator.doors import DOORS, Door


@pytest.fixture(params=DOORS)
async def door(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[Door]:
    del anyio_backend
    async with DOORS[request.param]() as door:
        yield door
