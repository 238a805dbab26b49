"""What people read: the OpenAPI document, a page that shows it, and a page for each kind of problem."""

import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from litestar import route
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from chatcore.errors import error_kinds
from entrypoints.http import wire
from entrypoints.http.doorman import AnyRequest
from entrypoints.http.openapi import document
from entrypoints.http.paths import READ
from entrypoints.http.problems import REFUSALS
from entrypoints.http.replies import NO_STORE, Reply
from entrypoints.http.routes import Routes
from entrypoints.http.statuses import ASSISTANT_STATUS, TEXTBOOK_STATUS

_HTML = (b"content-type", b"text/html; charset=utf-8")
_POLICY = (
    b"content-security-policy",
    # The page's own program lays its elements out with inline styles; scripts come from here alone.
    (
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
)
_ASSETS = {
    "swagger-ui-bundle.js": b"text/javascript; charset=utf-8",
    "swagger-ui.css": b"text/css; charset=utf-8",
    "favicon-32x32.png": b"image/png",
}
_START = b"""SwaggerUIBundle({
  url: new URL("../openapi.json", document.currentScript.src).href,
  dom_id: "#document",
  deepLinking: true,
  validatorUrl: "none",
});
"""
_PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>chatcore</title>
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="document"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""


class PageRoutes(Routes):
    """Shows how the program is spoken to, without asking anybody else for anything."""

    def routes(self) -> Sequence[HTTPRouteHandler]:
        """Return the handlers."""
        return [
            route("/openapi.json", http_method=READ, status_code=200)(self.openapi),
            route("/docs", http_method=READ, status_code=200)(self.docs),
            route("/docs/{name:str}", http_method=READ, status_code=200)(self.asset),
            route("/problems/{slug:str}", http_method=READ, status_code=200)(self.problem),
        ]

    async def openapi(self, request: AnyRequest) -> ASGIApp:
        """Return the OpenAPI document."""
        del request
        return Reply.json(_document())

    async def docs(self, request: AnyRequest) -> ASGIApp:
        """Return the page that shows the document."""
        del request
        return Reply(200, _PAGE, (_HTML, _POLICY, NO_STORE))

    async def asset(self, request: AnyRequest) -> ASGIApp:
        """Return what that page is made of."""
        kind, content, tag = _asset(request.path_params["name"])
        headers = ((b"content-type", kind), (b"etag", tag), (b"cache-control", b"public, max-age=86400"))
        if any(name == b"if-none-match" and tag in value for name, value in request.scope["headers"]):
            return Reply(304, b"", headers)
        return Reply(200, content, headers)

    async def problem(self, request: AnyRequest) -> ASGIApp:
        """Say what a kind of problem means."""
        return Reply(200, _problem_page(request.path_params["slug"]), (_HTML, _POLICY))


@cache
def _document() -> bytes:
    return wire.encode(document(version("chatcore")))


@cache
def _asset(name: str) -> tuple[bytes, bytes, bytes]:
    """Return the kind, the content and the tag of a file of the page.

    Raises:
        HTTPException: 404 the page has no such file.
    """
    if name == "start.js":
        return _tagged(b"text/javascript; charset=utf-8", _START)
    if name not in _ASSETS:
        raise HTTPException(status_code=404)
    return _tagged(_ASSETS[name], (_bundle() / name).read_bytes())


def _tagged(kind: bytes, content: bytes) -> tuple[bytes, bytes, bytes]:
    return kind, content, b'"%b"' % hashlib.sha256(content).hexdigest()[:32].encode()


def _bundle() -> Path:
    """Return where the package lies that has the page's program; it is not imported, only read."""
    spec = find_spec("swagger_ui_bundle")
    places = [] if spec is None else list(spec.submodule_search_locations or ())
    return next(path for place in places for path in Path(place).glob("vendor/swagger-ui-*"))


def _problem_page(slug: str) -> bytes:
    """Return what is known of a problem.

    Raises:
        HTTPException: 404 there is no such problem.
    """
    kind = error_kinds().get(slug)
    if kind is not None:
        title, retry = kind.title(), kind.retryable
        statuses = sorted({ASSISTANT_STATUS[kind], TEXTBOOK_STATUS[kind]})
    else:
        named = {refusal.slug: (refusal.title, status) for status, refusal in REFUSALS.items()}
        if slug not in named:
            raise HTTPException(status_code=404)
        (title, status), retry = named[slug], False
        statuses = [status]
    advice = "The same request may succeed later." if retry else "The same request will fail again."
    told = f"{title}. Status {' or '.join(map(str, statuses))}. {advice}"
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    return f"{head}<h1>{escape(slug)}</h1><p>{escape(told)}</p>".encode()
