"""What people read: the page that shows the document, and the pages of the problems."""

import re

import pytest

from chatcore.errors import error_kinds
from entrypoints.http.problems import REFUSALS
from tests.http.served import Served, problem


def test_the_page_shows_the_document_and_asks_nobody_else(common: Served) -> None:
    client = common.client()
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    linked = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert len(linked) == 4
    for path in linked:
        assert path.startswith("/docs/")
        asset = client.get(path)
        assert (asset.status_code, bool(asset.content)) == (200, True)
    assert "http" not in page.text.replace("http-equiv", "")
    start = client.get("/docs/start.js").text
    assert "openapi.json" in start
    assert 'validatorUrl: "none"' in start, "or the page would have strangers judge the document"
    assert "<script>" not in page.text, "the policy forbids scripts in the page"


def test_what_a_browser_has_already_is_not_sent_again(common: Served) -> None:
    client = common.client()
    first = client.get("/docs/swagger-ui.css")
    again = client.get("/docs/swagger-ui.css", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["x", "..%2f__init__.py", "swagger-ui.js.map", "index.html", "%00"])
def test_the_page_has_no_other_files(common: Served, name: str) -> None:
    problem(common.client().get(f"/docs/{name}"), 404, "route-not-found")


def test_every_kind_of_problem_has_its_page(common: Served) -> None:
    client = common.client()
    slugs = {*error_kinds(), *(refusal.slug for refusal in REFUSALS.values())}
    for slug in slugs:
        page = client.get(f"/problems/{slug}")
        assert page.status_code == 200
        assert slug in page.text
    busy = client.get("/problems/conversation-busy").text
    assert "Status 409." in busy
    assert "may succeed later" in busy
    problem(client.get("/problems/x"), 404, "route-not-found")
