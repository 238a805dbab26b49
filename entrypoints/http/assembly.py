"""Puts the routes together into one Litestar application."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler

from entrypoints.http import failures
from entrypoints.http.account import AccountRoutes
from entrypoints.http.answering import Answers
from entrypoints.http.assistant import AssistantRoutes
from entrypoints.http.conversations import ConversationRoutes
from entrypoints.http.doorman import Doorman
from entrypoints.http.edge import Edge
from entrypoints.http.operations import OperationRoutes
from entrypoints.http.options import options_of
from entrypoints.http.pages import PageRoutes
from entrypoints.http.parts import Parts
from entrypoints.http.statuses import ASSISTANT_STATUS, TEXTBOOK_STATUS
from entrypoints.http.textbook import TextbookRoutes, named_place
from entrypoints.http.turns import TurnRoutes


def assemble(parts: Parts) -> Litestar:
    """Return the application; whatever it needs is opened by its lifespan."""

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None, None]:
        async with parts.opened():
            yield

    app = Litestar(
        [_operations(parts), _textbook(parts), _assistant(parts)],
        lifespan=[lifespan],
        exception_handlers=failures.handlers(ASSISTANT_STATUS),
        openapi_config=None,  # our own document: see `entrypoints.http.openapi`
        logging_config=None,  # logging is configured by whoever starts the process
        debug=False,
    )
    app.asgi_handler = parts.around(Edge(app.asgi_handler, parts.origins, parts.metrics, parts.witness))
    return app


def _textbook(parts: Parts) -> Router:
    answers = Answers(parts.listener, parts.fairness)
    asking = TextbookRoutes(parts.textbook, answers, parts.fairness, parts.limit)
    turns = TurnRoutes("/chat/{session_id:str}", named_place, parts.chat, parts.listener, parts.turns)
    return _router([*asking.routes(), *turns.routes()], failures.handlers(TEXTBOOK_STATUS))


def _assistant(parts: Parts) -> Router:
    doorman = Doorman(parts.authenticator)
    answers = Answers(parts.listener, parts.fairness)
    asking = AssistantRoutes(parts.chat, parts.assistant, answers, parts.fairness, doorman, parts.limit)
    conversations = ConversationRoutes(parts.conversations, doorman, parts.limit)
    turns = TurnRoutes("/api/{user_id:str}", asking.place_of, parts.chat, parts.listener, parts.turns)
    account = AccountRoutes(parts.accounts, parts.erasure, doorman, parts.fairness.daily_tokens)
    handlers = [*asking.routes(), *conversations.routes(), *turns.routes(), *account.routes()]
    return _router(handlers, failures.handlers(ASSISTANT_STATUS))


def _operations(parts: Parts) -> Router:
    operations = OperationRoutes(parts.unready, parts.metrics.exposition)
    return _router([*operations.routes(), *PageRoutes().routes()], failures.handlers(ASSISTANT_STATUS))


def _router(
    handlers: Sequence[HTTPRouteHandler], errors: dict[int | type[Exception], failures.Handler]
) -> Router:
    # OPTIONS first: where Litestar finds none at a path it makes one, of the first handler alone.
    return Router("/", route_handlers=[*options_of(handlers), *handlers], exception_handlers=errors)
