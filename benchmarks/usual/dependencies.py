"""What a request of the usual stack is given: a session, the client, the settings, the user."""

from collections.abc import AsyncIterator
from typing import Annotated

import jwt
from fastapi import Depends, Header, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from openai import AsyncOpenAI
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.usual.settings import Settings, get_settings


async def get_session(request: Request) -> AsyncIterator[AsyncSession]:
    """Give each request a session of its own."""
    async with request.app.state.sessions() as session:
        yield session


def get_client(request: Request) -> AsyncOpenAI:
    """Share one client, and its connections."""
    client: AsyncOpenAI = request.app.state.client
    return client


CurrentSettings = Annotated[Settings, Depends(get_settings)]
Session = Annotated[AsyncSession, Depends(get_session)]
Client = Annotated[AsyncOpenAI, Depends(get_client)]
Accept = Annotated[str, Header()]


def get_user(
    user_id: str,
    settings: CurrentSettings,
    credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> str:
    """Let only a token's own subject pass."""
    try:
        claims = jwt.decode(credentials.credentials, settings.auth_jwt_secret, algorithms=["HS256"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "invalid token") from error
    if claims.get("sub") != user_id:
        raise HTTPException(403, "not your conversations")
    return user_id


User = Annotated[str, Depends(get_user)]
