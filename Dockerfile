# syntax=docker/dockerfile:1
# Everything is installed from the lock with hashes; the image runs as an ordinary user.

FROM python:3.13-slim AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/python -m pip install --require-hashes --no-deps --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY chatcore ./chatcore
COPY adapters ./adapters
COPY entrypoints ./entrypoints
COPY migrations ./migrations
RUN /venv/bin/python -m pip install --no-deps --no-index --no-build-isolation .

FROM python:3.13-slim
# The embedded PostgreSQL wants a user that has a name, and /data to be that user's.
RUN useradd --system --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin chatcore
COPY --from=build /venv /venv
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CHATCORE_DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000
USER chatcore
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/health', timeout=2)"]
ENTRYPOINT ["chatcore"]
CMD ["serve"]
