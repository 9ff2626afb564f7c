"""No address reads a file that is not served, fetches from elsewhere, or breaks the server."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.app.serving import ServerProcess
from tests.fuzz.corpus import ELSEWHERE, ROUTES, climbing

pytestmark = pytest.mark.fuzz
SENTINEL = b"sentinel-4f1c9d"
_MOST = 65536  # of an answer; event streams do not end


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = Path(tmp_path_factory.mktemp("private")) / "secret.txt"
    file.write_bytes(SENTINEL)
    return str(file)


@pytest.fixture(scope="module")
def connection(server: ServerProcess) -> Iterator[http.client.HTTPConnection]:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as made:
        yield made


def raw_get(connection: http.client.HTTPConnection, path: str, port: int) -> tuple[int, http.client.HTTPMessage, bytes]:
    """GET with the path exactly as written: clients of higher level would tidy it up."""
    connection.putrequest("GET", path.replace(" ", "%20"), skip_host=True)
    connection.putheader("Host", f"localhost:{port}")
    connection.endheaders()
    with connection.getresponse() as answer:
        stream = "event-stream" in answer.headers.get("content-type", "")
        body = b"" if stream else answer.read(_MOST)
        if stream or not answer.isclosed():
            connection.close()
        return answer.status, answer.headers, body


@pytest.mark.parametrize("route", ROUTES)
def test_no_path_leads_to_a_private_file(
    server: ServerProcess, connection: http.client.HTTPConnection, target: str, route: str
) -> None:
    for payload in [*climbing(target), *climbing("/etc/passwd"), *climbing(str(server.log.parent / "cookie.secret"))]:
        secret = (server.log.parent / "cookie.secret").read_bytes()
        status, _, body = raw_get(connection, route + payload, server.port)
        assert status < 500, route + payload
        assert SENTINEL not in body, route + payload
        assert secret not in body, route + payload
        assert b"root:x:0:" not in body, route + payload


@pytest.mark.parametrize("route", ROUTES)
def test_no_address_makes_the_server_fetch_or_send_elsewhere(
    server: ServerProcess, connection: http.client.HTTPConnection, route: str
) -> None:
    for payload in ELSEWHERE:
        status, headers, _ = raw_get(connection, route + payload, server.port)
        assert status < 500, route + payload
        location = headers.get("location", "")
        leaves = re.match(r"[/\\]{2}|\w+:", location) and not location.startswith(f"http://localhost:{server.port}/")
        assert not leaves, (route + payload, location)
