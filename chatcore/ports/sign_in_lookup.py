"""The port that tells whether somebody who signed in elsewhere, such as at Better Auth, still is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """Who signed in, and until when that counts unless they sign out before."""

    user_id: str
    expires_at: datetime


SignInLookup = Callable[[str], Awaitable[SignIn | None]]
"""Given the token of a sign-in, what is recorded of it now; None where there is none, or no longer.

Raises DatabaseUnavailable where it could not be found out.
"""
