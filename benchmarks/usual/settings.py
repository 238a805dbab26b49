"""What the usual stack reads from its environment."""

from functools import lru_cache

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Names as a FastAPI project would have them; the OpenAI client reads its own."""

    database_url: str
    database_pool_size: int = 5
    database_max_overflow: int = 10
    auth_jwt_secret: str
    model: str = "gpt-4o-mini"


@lru_cache
def get_settings() -> Settings:
    """Read the environment once."""
    return Settings.model_validate({})
