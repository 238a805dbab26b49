"""Servers on real PostgreSQL, as many as a test wants."""

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import pytest
import structlog

from adapters.scripted.model import Reply, ScriptedLanguageModel
from chatcore.errors import ChatError
from entrypoints.container import Container
from entrypoints.logging import configure_logging, current_request
from entrypoints.settings import Settings, Switch
from tests.databases import Database, Databases
from tests.http.served import SECRET, Served, served

Line = str | ChatError | Reply
Serve = Callable[..., Served]


@contextmanager
def serving(database: Database) -> Iterator[Serve]:
    """Yield a starter of servers on a database: a script for the model, and settings that differ."""
    with ExitStack() as stack:

        def start(*script: Line, **changed: object) -> Served:
            settings = Settings(database_url=database.app_url, auth_jwt_secret=SECRET, rate_limit=None)
            settings = msgspec.structs.replace(settings, **changed)
            model = ScriptedLanguageModel(script or ("Yes, it is.",))
            container = Container(settings=settings, language_model=model)
            return stack.enter_context(served(container, model))

        yield start


@pytest.fixture
def serve(database: Database) -> Iterator[Serve]:
    """Start servers, each with a script for its model, all on the database of this test."""
    with serving(database) as start:
        yield start


@pytest.fixture(scope="module")
def common(database_server: Databases) -> Iterator[Served]:
    """A server that a module's tests share, for those that only knock."""
    with database_server.fresh() as database, serving(database) as start:
        yield start()


@pytest.fixture
def server(serve: Serve) -> Served:
    """A server whose model always says the same."""
    return serve()


@pytest.fixture(scope="session")
def adrift() -> Iterator[Served]:
    """A server whose database is not there; it knows so after the first request, and answers at once then."""
    nowhere = "postgresql://nobody:hunter2@127.0.0.1:1/nothing"
    # Without an audit trail, which would try to write its rows for as long as the session lasts, and log that.
    settings = Settings(database_url=nowhere, auth_jwt_secret=SECRET, rate_limit=None, audit=Switch.OFF)
    model = ScriptedLanguageModel()
    with served(Container(settings=settings, language_model=model), model) as server:
        yield server


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Where lines go for as long as a test lasts."""
    handlers, level = logging.root.handlers[:], logging.root.level
    stream = io.StringIO()
    configure_logging(Settings(), stream)
    yield stream
    structlog.reset_defaults()
    current_request.set(None)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
