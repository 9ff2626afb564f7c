"""Hostile addresses: how files were read through Gradio, Streamlit, Starlette and their like (CVE-2021-43831,
CVE-2023-51449, CVE-2024-0964, CVE-2024-1561, CVE-2024-51751, CVE-2022-35918, CVE-2026-28414, GHSA-3qqg-pgqq-3695,
GHSA-6v6g, GHSA-8qw9, GHSA-v5gw), and how servers were made to fetch or send elsewhere (CVE-2024-47167, CVE-2026-28415,
CVE-2026-28416, CVE-2026-59806). The target is a file of the test that holds a sentinel.
"""

from __future__ import annotations

from urllib.parse import quote

UPWARDS = (
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "..%252f",
    "%252e%252e%252f",
    "..\\",
    "..%5c",
    "....//",
    "..;/",
    "..%c0%af",
)


def climbing(target: str) -> list[str]:
    """Ways to write the absolute path `target` that begin somewhere else."""
    bare = target.lstrip("/")
    climbs = [up * 12 + bare for up in UPWARDS]
    return [
        *climbs,
        target,
        f"/{target}",
        f"//{bare}",
        f"%2f{bare}",
        quote(target, safe=""),
        quote(quote(target, safe=""), safe=""),
        f"{target}%00.png",
        f"{target}%23.png",
        f"{target}?.png",
        f"C:{target}",
        f"\\\\localhost\\c$\\{bare}",
        f"%5c%5clocalhost%5c{bare}",
        f"~/{'../' * 12}{bare}",
        f"file://{target}",
        f"file:%2f%2f{target}",
        f"./{target}",
        f"assets/../{'../' * 12}{bare}",
    ]


ELSEWHERE = (
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]:1/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "//evil.example/",
    "\\\\evil.example\\share",
    "https:%2f%2fevil.example",
    "http:/\\evil.example",
    "javascript:alert(1)",
)

ROUTES = (
    "/",
    "/static/",
    "/media/",
    "/component/",
    "/component/x/",
    "/_stcore/bidi-components/",
    "/_stcore/bidi-components/x/",
    "/_stcore/upload_file/a/",
    "/app/static/",
    "/assets/fonts/",
    "/assets/brand/",
    "/api/",
    "/api/runs/",
    "/api/runs/x/outputs/",
    "/api/sessions/",
    "/api/links/",
    "/play/",
    "/play/tiny/",
    "/play/tiny/assets/",
    "/play/tiny/static/",
    "/play/tiny/svelte/",
    "/play/tiny/file=",
    "/play/tiny/file/",
    "/play/tiny/gradio_api/file=",
    "/play/tiny/gradio_api/file/",
    "/play/tiny/gradio_api/proxy=",
    "/play/tiny/gradio_api/stream/",
    "/play/tiny/gradio_api/custom_component/",
    "/play/tiny/custom_component/",
    "/play/tiny/?deep_link=",
    "/play/tiny/config?deep_link=",
    "/play/tiny/gradio_api/heartbeat/",
)
