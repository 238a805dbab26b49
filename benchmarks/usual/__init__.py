"""The usual stack, written plainly: FastAPI, Pydantic, SQLAlchemy, asyncpg, the openai SDK, uvicorn."""
