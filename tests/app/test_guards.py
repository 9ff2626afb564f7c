"""The guards one by one, where the whole server would make the case hard to see."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from app.safety.closed import is_closed
from app.safety.forwarded import Forwarded
from app.safety.hosts import Hosts
from app.safety.origins import Origins, is_same
from app.safety.rates import Buckets
from app.safety.references import route_of
from app.safety.scopes import header
from app.safety.visitors import Visitors, cookie_line
from app.shell_page import shell_html
from backends.core.identity import COOKIE, Identity


def scope(path: str = "/", method: str = "GET", kind: str = "http", **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": kind, "path": path, "method": method, "scheme": "http", "headers": pairs, "client": ("1.2.3.4", 5)}


class Inside:
    """An application that remembers what reached it."""

    def __init__(self) -> None:
        self.seen: dict[str, Any] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen = scope
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.body", "body": b""})


def ask(app: Any, asked: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(app(asked, None, send))
    return sent


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://a.example", "a.example", True),
        ("https://a.example", "a.example:443", True),
        ("http://A.example:7860", "a.example:7860", True),
        ("http://[::1]:7860", "[::1]:7860", True),
        ("http://a.example:7861", "a.example:7860", False),
        ("http://a.example.evil.example", "a.example", False),
        ("null", "a.example", False),
        ("http://a.example@evil.example", "a.example", False),
        ("http://[", "a.example", False),
        ("file://", "", False),
    ],
)
def test_an_origin_is_ours_only_with_the_same_name_and_port(origin: str, host: str, same: bool) -> None:
    assert is_same(origin, host) is same


def test_an_allowed_origin_comes_in_and_its_websocket_is_told_as_our_own() -> None:
    inside = Inside()
    guard = Origins(inside, ("https://lab.example",))
    ask(guard, scope("/_stcore/stream", kind="websocket", origin="https://lab.example", host="x:1"))
    assert header(inside.seen, "origin") == "http://x:1"


def test_a_form_of_another_site_without_origin_is_refused() -> None:
    sent = ask(Origins(Inside(), ()), scope("/api/sessions", "POST", host="x", sec_fetch_site="cross-site"))
    assert sent[0]["status"] == 403


def test_a_trusted_proxy_decides_scheme_host_and_client() -> None:
    told = {
        "x_forwarded_proto": "http, https",
        "x_forwarded_host": "lab.example",
        "x_forwarded_for": "6.6.6.6, 9.9.9.9",
    }
    inside = Inside()
    ask(Forwarded(inside, trusted=True), scope(host="inner", **told))
    assert (inside.seen["scheme"], header(inside.seen, "host"), inside.seen["client"][0]) == (
        "https",
        "lab.example",
        "9.9.9.9",
    )
    ask(Forwarded(inside, trusted=False), scope(host="inner", **told))
    assert (inside.seen["scheme"], header(inside.seen, "host"), inside.seen["client"][0]) == (
        "http",
        "inner",
        "1.2.3.4",
    )
    assert not header(inside.seen, "x-forwarded-host")


def test_a_wildcard_host_stands_for_subdomains() -> None:
    guard = Hosts(Inside(), ("*.hf.space",))
    assert ask(guard, scope(host="me-lab.hf.space"))[0]["status"] == 200
    assert ask(guard, scope(host="hf.space.evil.example"))[0]["status"] == 403


def test_the_first_page_already_knows_its_visitor_and_a_forged_cookie_is_replaced() -> None:
    identity = Identity("s" * 20)
    for forged in ("", f"{COOKIE}=someone.forged", f"a=b; {COOKIE}=x"):
        inside = Inside()
        sent = ask(Visitors(inside, identity), scope(cookie=forged) if forged else scope())
        given = dict(sent[0]["headers"])[b"set-cookie"].decode()
        value = given.split(";")[0].split("=", 1)[1]
        assert inside.seen["state"]["visitor"] == identity.read({COOKIE: value})
        assert header(inside.seen, "cookie").count(COOKIE) == 1
        assert value in header(inside.seen, "cookie")


def test_the_cookie_works_in_a_frame_over_https_and_plainly_over_http() -> None:
    assert "Secure; SameSite=None; Partitioned" in cookie_line("v", secure=True)
    assert cookie_line("v", secure=False).endswith("HttpOnly; SameSite=Lax")


def test_a_bucket_refills_and_tells_how_long_to_wait() -> None:
    now = [0.0]
    buckets = Buckets(2.0, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(20)] == [0.0] * 20
    assert buckets.take("a") == pytest.approx(0.5)
    assert buckets.take("b") == 0.0
    now[0] += 0.5
    assert buckets.take("a") == 0.0


@pytest.mark.parametrize(
    "path",
    [
        "/play/x/gradio_api/file=//127.0.0.1/a",
        "/play/x/gradio_api/file=%2568ttp://a",
        "/play/x/gradio_api/file=https:%2f%2fa",
        "/play/x/gradio_api/file=\\\\host\\share",
        "/play/x/gradio_api/proxy=https://a.hf.space/",
        "/play/x/gradio_api/vibe-edit",
        "/play/x/gradio_api/run/predict",
        "/play/x/login",
        "/play/../api",
        "/_stcore/metrics/",
        "/a\0b",
    ],
)
def test_addresses_that_nobody_needs_are_closed(path: str) -> None:
    assert is_closed(path)


@pytest.mark.parametrize(
    "path",
    [
        "/play/x/",
        "/play/x",
        "/play/x/assets/a.js",
        "/play/x/gradio_api/queue/join",
        "/play/x/gradio_api/heartbeat/ab12",
        "/play/x/gradio_api/file=/tmp/gradio/a b.png",
        "/_stcore/stream",
        "/_stcore/health",
        "/medical",
    ],
)
def test_addresses_that_the_pages_need_are_open(path: str) -> None:
    assert not is_closed(path)


def test_the_route_of_a_log_line_holds_nothing_that_a_client_made_up() -> None:
    for path in (
        "/api/runs/secret",
        "/play/x/gradio_api/file=/tmp/secret",
        "/play/x/secret",
        "/_stcore/secret",
        "/secret",
    ):
        assert "secret" not in route_of(scope(path))


def test_the_shells_page_is_streamlits_with_our_name_and_address() -> None:
    page = shell_html()
    assert "<title>Vitrine</title>" in page
    assert "Streamlit</title>" not in page
    assert "BACKEND_BASE_URL" in page
    assert 'src="/static/js/' in page
    assert 'id="root"' in page
