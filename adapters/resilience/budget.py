"""How many retries all calls together may make, so that an outage is not made worse by them."""

_PER_SUCCESS = 0.1


class RetryBudget:
    """A bucket of retries: each takes one out, each success puts a tenth back.

    However long an outage lasts, it sees no more retries than the bucket holds; while the provider works,
    at most one call in eleven is a retry. Source: gRPC A6, client retries, "Throttling Retry Attempts".
    """

    def __init__(self, largest: float = 10.0) -> None:
        """Begin with a full bucket of so many retries."""
        self._largest = largest
        self._left = largest

    def take(self) -> bool:
        """Take one retry out and return whether there was one."""
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def succeeded(self) -> None:
        """Put a part of a retry back."""
        self._left = min(self._largest, self._left + _PER_SUCCESS)
