"""The two personas as the settings want them."""

from dataclasses import replace

from chatcore.prompt import ASSISTANT, TEXTBOOK, Persona, whole_window, within_tokens
from entrypoints.settings import Settings


def textbook(settings: Settings) -> Persona:
    """Return who answers the readers of the textbook."""
    return replace(
        TEXTBOOK,
        instructions=settings.textbook_instructions or TEXTBOOK.instructions,
        window=settings.textbook_window,
    )


def assistant(settings: Settings) -> Persona:
    """Return who answers users."""
    budget = settings.history_tokens
    return replace(
        ASSISTANT,
        instructions=settings.assistant_instructions or ASSISTANT.instructions,
        window=settings.assistant_window,
        history=whole_window if budget is None else within_tokens(budget),
    )
