"""The application that a server runs, made from a container."""

from ipaddress import ip_network

from litestar import Litestar

from entrypoints.container import Container
from entrypoints.http.address import Network
from entrypoints.http.assembly import assemble
from entrypoints.http.fairness import Fairness
from entrypoints.http.parts import Parts
from entrypoints.http.witness import Witness
from entrypoints.settings import Settings


def create_app(container: Container | None = None) -> Litestar:
    """Return the application; without a container, with one that reads the settings from the environment."""
    made = container or Container()
    settings = made.settings()
    return assemble(
        Parts(
            chat=made.chat(),
            listener=made.listener(),
            textbook=made.textbook(),
            assistant=made.assistant(),
            turns=made.turns(),
            conversations=made.conversations(),
            accounts=made.accounts(),
            erasure=made.erasure(),
            authenticator=made.authenticator(),
            fairness=_fairness(settings),
            unready=made.unready(),
            metrics=made.metrics(),
            witness=Witness(made.trail(), _trusted(settings)),
            opened=made.opened,
            around=made.tracer().app,
            origins=settings.origins,
            limit=settings.max_body,
        )
    )


def _fairness(settings: Settings) -> Fairness:
    return Fairness(
        rate=settings.rate,
        address_rate=settings.address_rate,
        daily_tokens=settings.daily_tokens,
        trusted=_trusted(settings),
    )


def _trusted(settings: Settings) -> list[Network]:
    return [ip_network(network) for network in settings.trusted_proxies]
