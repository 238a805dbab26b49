"""Leaves logging as it was for the other tests."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from entrypoints.logging import current_request


@pytest.fixture
def logging_restored() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    current_request.set(None)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
