"""Language models that wrap another one and make it bear more: each adds one behaviour and is one itself."""

from adapters.resilience.breaker import Breaker, BreakerState
from adapters.resilience.budget import RetryBudget
from adapters.resilience.circuit_breaking import CircuitBreaking
from adapters.resilience.falling_back import FallingBack
from adapters.resilience.limited import Limited
from adapters.resilience.retrying import Patience, Retrying
from adapters.resilience.with_deadline import WithDeadline

__all__ = [
    "Breaker",
    "BreakerState",
    "CircuitBreaking",
    "FallingBack",
    "Limited",
    "Patience",
    "RetryBudget",
    "Retrying",
    "WithDeadline",
]
