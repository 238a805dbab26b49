"""How a turn is asked for and how its end is recognised: the textbook chat, the signed-in chat, the model itself."""

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

QUESTION: Final = (
    "How does a humanoid robot keep its balance while it walks over uneven ground, and what does it sense?"
)
EARLIER_MESSAGES: Final = 10
TOKEN_LIFETIME: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way to ask. `conversation` is the member that names the conversation, in question and answer."""

    name: str
    path: str
    conversation: str | None
    first_delta: bytes
    stream_end: bytes

    def talk(self, number: int, secret: str) -> "Talk":
        """Begin the talk of one caller, signed in where the path names a user."""
        user = f"bench-{number}"
        headers = {"host": "bench", "content-type": "application/json"}
        if "{user}" in self.path:
            headers["authorization"] = f"Bearer {bearer(user, secret)}"
        return Talk(self, self.path.replace("{user}", user), headers)

    def complete(self, answer: bytearray, *, streamed: bool) -> bool:
        """Tell whether an answer with status 200 says what it should."""
        return not streamed or self.stream_end in answer


class Talk:
    """A caller's side of one conversation: the requests it sends, the conversation's id it was told."""

    def __init__(self, dialect: Dialect, path: str, headers: Mapping[str, str]) -> None:
        """Keep the part of the request that stays the same."""
        self._conversation = dialect.conversation
        self._pattern = re.compile(rb'"%b"\s*:\s*"([^"]+)"' % (dialect.conversation or "").encode())
        self._head = f"POST {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items()
        )
        self._id: str | None = None
        self._key = uuid.uuid4().hex
        self._turn = 0

    def request(self, *, streamed: bool) -> bytes:
        """Return the bytes of the next turn's request, with an idempotency key of its own."""
        self._turn += 1
        body = json.dumps(self._question(streamed=streamed)).encode()
        accept = "text/event-stream" if streamed else "application/json"
        head = (
            f"{self._head}accept: {accept}\r\nidempotency-key: {self._key}-{self._turn}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def heard(self, answer: bytearray) -> None:
        """Learn the conversation's id from the first answer."""
        if self._id is None and self._conversation is not None and (found := self._pattern.search(answer)):
            self._id = found[1].decode()

    def _question(self, *, streamed: bool) -> dict[str, object]:
        if self._conversation is None:
            earlier = [
                {"role": role, "content": QUESTION}
                for role in ("user", "assistant")
                for _ in range(EARLIER_MESSAGES // 2)
            ]
            return {
                "model": "stub",
                "messages": [*earlier, {"role": "user", "content": QUESTION}],
                "stream": streamed,
            }
        return {"message": QUESTION, **({self._conversation: self._id} if self._id else {})}


DIALECTS: Final = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            name="textbook",
            path="/chat",
            conversation="session_id",
            first_delta=b"event: delta",
            stream_end=b"event: done",
        ),
        Dialect(
            name="signed-in",
            path="/api/{user}/chat",
            conversation="conversation_id",
            first_delta=b"event: delta",
            stream_end=b"event: done",
        ),
        Dialect(
            name="model",
            path="/v1/chat/completions",
            conversation=None,
            first_delta=b'"content":"answer',
            stream_end=b"[DONE]",
        ),
    )
}


def bearer(user: str, secret: str) -> str:
    """Return an HS256 token for a user (RFC 7519)."""
    now = int(time.time())
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": user, "iat": now, "exp": now + TOKEN_LIFETIME})
    signed = b".".join(_base64url(json.dumps(part).encode()) for part in parts)
    return (signed + b"." + _base64url(hmac.digest(secret.encode(), signed, hashlib.sha256))).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
