"""The audit trail while requests are served: what gathers it, and who hears of losses."""

from collections.abc import Awaitable, Callable

import structlog

from chatcore.ports.audit_log import AuditLog
from chatcore.trail import Loss, Trail
from entrypoints.metrics import Metrics
from entrypoints.settings import Settings, Switch


def of(settings: Settings, log: AuditLog, metrics: Metrics) -> Trail | None:
    """Return what gathers entries, closed; None where no rows are wanted."""
    if settings.audit is Switch.OFF:
        return None
    lines = structlog.get_logger()

    def lost(why: Loss, count: int, bug: Exception | None) -> None:
        metrics.audit_dropped(why, count)
        # Where there is no room one entry after another is lost, each of which has its own line already.
        if why is not Loss.FULL:
            lines.error("audit entries lost", why=why, count=count, exc_info=bug)

    return Trail(log=log, lost=lost)


def flushing(gathered: Trail | None) -> Callable[[], Awaitable[None]]:
    """Return who writes at once what was gathered, where anything is."""
    return _nothing if gathered is None else gathered.flush


async def _nothing() -> None:
    """Write nothing."""
