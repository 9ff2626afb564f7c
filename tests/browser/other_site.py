"""Two sites over HTTPS on this machine: Vitrine behind a TLS proxy, as a Space has it, and a page that frames it.

Certificates are made for the test by trustme; Chromium is told where the names are and to accept them.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import trustme

HUB, LAB = "hub.test", "lab.test"
CHROMIUM_FLAGS = [
    f"--host-resolver-rules=MAP {HUB} 127.0.0.1, MAP {LAB} 127.0.0.1",
    "--ignore-certificate-errors",
    "--test-third-party-cookie-phaseout",  # only what is Partitioned lives in a foreign frame
]
_PIECE = 65_536


@dataclass(frozen=True)
class Site:
    """origin: scheme, name and port."""

    origin: str


@contextlib.contextmanager
def tls_proxy(port: int, target: int) -> Iterator[Site]:
    """`https://lab.test:<port>` in front of the server on `target`; says so in X-Forwarded-* headers.

    One request a connection (Connection: close), WebSockets as they come: enough of a proxy for a test.
    """

    def serve(connection: socket.socket) -> None:
        head = _head(connection)
        if head:
            with socket.create_connection(("127.0.0.1", target)) as behind:
                behind.sendall(_forwarded(head, port))
                _pump_both(connection, behind)

    with _listening(LAB, port, serve):
        yield Site(f"https://{LAB}:{port}")


@contextlib.contextmanager
def framing_page(port: int, lab: Site) -> Iterator[Site]:
    """`https://hub.test:<port>/<address>` shows that address of the lab in a frame and notes what it is told."""

    def serve(connection: socket.socket) -> None:
        head = _head(connection).decode("latin-1")
        if not head:
            return
        address = head.split(" ")[1]
        body = (
            "<!doctype html><title>Hub</title><script>window.told = [];"
            "addEventListener('message', (event) => told.push([event.origin, event.data]));</script>"
            f'<iframe src="{lab.origin}{address}" width="1200" height="850" allow="clipboard-write"></iframe>'
        ).encode()
        start = (
            f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(start.encode() + body)

    with _listening(HUB, port, serve):
        yield Site(f"https://{HUB}:{port}")


@contextlib.contextmanager
def _listening(name: str, port: int, serve: object) -> Iterator[None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(name).configure_cert(context)
    listener = socket.create_server(("127.0.0.1", port), backlog=128)

    def accept() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:  # closed: the test is over
                return
            threading.Thread(target=answer, args=(plain,), daemon=True).start()

    def answer(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
            serve(connection)  # type: ignore[operator]

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _head(connection: socket.socket) -> bytes:
    """The request's head and whatever of its body has come with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(_PIECE)
        if not piece:
            return b""
        data += piece
    return data


def _forwarded(head: bytes, port: int) -> bytes:
    start, rest = head.split(b"\r\n", 1)
    headers, body = rest.split(b"\r\n\r\n", 1)
    if b"upgrade: websocket" not in headers.lower():
        headers = re.sub(rb"(?im)^connection:[^\r\n]*", b"Connection: close", headers)
        if b"connection:" not in headers.lower():
            headers += b"\r\nConnection: close"
    told = f"X-Forwarded-Proto: https\r\nX-Forwarded-Host: {LAB}:{port}\r\nX-Forwarded-For: 192.0.2.7".encode()
    return start + b"\r\n" + headers + b"\r\n" + told + b"\r\n\r\n" + body


def _pump_both(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
