"""The application that a server runs, made from a container."""

from litestar import Litestar

from entrypoints.container import Container
from entrypoints.http.assembly import assemble
from entrypoints.http.parts import Parts


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
            authenticator=made.authenticator(),
            unready=made.unready(),
            metrics=made.metrics(),
            opened=made.opened,
            origins=settings.origins,
            limit=settings.max_body,
        )
    )
