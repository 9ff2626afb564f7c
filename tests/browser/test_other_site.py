"""In a frame of another site, over HTTPS, as on Hugging Face Spaces: everything works, and nobody else may call us."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.chromium import find_chromium
from tests.browser.conftest import FLAGS, PATIENCE_MS, free_port, start_server
from tests.browser.other_site import CHROMIUM_FLAGS, LAB, Site, framing_page, tls_proxy

pytestmark = pytest.mark.browser


@dataclass
class Sites:
    """The lab, and the site that frames it."""

    lab: Site
    hub: Site
    log: Path


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    proxy_port, hub_port = free_port(), free_port()
    server = start_server(
        tmp_path_factory.mktemp("framed"),
        VITRINE_TRUST_PROXY="true",
        VITRINE_ALLOWED_HOSTS=f"{LAB},127.0.0.1",
        VITRINE_FRAME_ANCESTORS=f"https://hub.test:{hub_port}",
    )
    with tls_proxy(proxy_port, int(server.url.rsplit(":", 1)[1])) as lab, framing_page(hub_port, lab) as hub:
        yield Sites(lab, hub, server.folder / "server.log")
    server.stop()


@pytest.fixture(scope="module")
def strict(browser: Browser) -> Iterator[Browser]:
    """A Chromium that keeps no unpartitioned cookie in a foreign frame."""
    chromium = browser.browser_type.launch(executable_path=find_chromium(), args=[*FLAGS, *CHROMIUM_FLAGS])
    yield chromium
    chromium.close()


def framed(chromium: Browser, hub: Site, address: str) -> tuple[Page, FrameLocator]:
    """A fresh profile at the framing page; the playground's frame inside the lab's."""
    context = chromium.new_context(viewport={"width": 1280, "height": 950}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{hub.origin}{address}")
    return page, page.frame_locator("iframe").frame_locator("iframe[src*='/play/medical']")


def five_megabytes() -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (2300, 2300), dtype=np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "PNG")
    assert len(buffer.getvalue()) > 5_000_000
    return buffer.getvalue()


def test_upload_run_save_and_open_the_link_inside_a_foreign_frame(sites: Sites, strict: Browser) -> None:
    page, play = framed(strict, sites.hub, "/medical")
    play.locator("#vt-accept").click()
    expect(play.locator(".vt-headline")).to_contain_text("%")
    first = play.locator("#vt-pictures img").first.get_attribute("src")
    file = {"name": "noise.png", "mimeType": "image/png", "buffer": five_megabytes()}
    play.locator("#vt-image-file input[type=file]").set_input_files(file)
    expect(play.locator("#vt-pictures img").first).not_to_have_attribute("src", str(first))
    play.locator("#vt-save").click()
    box = play.locator("#vt-link textarea, #vt-link input")
    expect(box).to_be_visible()
    link, headline = box.input_value(), play.locator(".vt-headline").inner_text()
    pictures = [one.get_attribute("src") for one in play.locator("#vt-pictures img").all()]
    assert link.startswith(f"{sites.lab.origin}/medical?session="), "the link names the site as its visitors see it"

    other, shown = framed(strict, sites.hub, link.removeprefix(sites.lab.origin))
    shown.locator("#vt-accept").click()
    expect(shown.locator("#vt-banner")).to_contain_text("read-only")
    expect(shown.locator(".vt-headline")).to_have_text(headline)
    assert [one.get_attribute("src") for one in shown.locator("#vt-pictures img").all()] == pictures
    page.context.close()
    other.context.close()


def test_the_visitor_stays_the_same_in_both_halves_and_after_a_reload(sites: Sites, strict: Browser) -> None:
    page, play = framed(strict, sites.hub, "/medical")
    play.locator("#vt-accept").click()
    expect(play.locator(".vt-headline")).to_contain_text("%")
    cookies = [one for one in page.context.cookies() if one["name"] == "vitrine_visitor"]
    assert len(cookies) == 1
    assert cookies[0]["secure"]
    assert cookies[0]["sameSite"] == "None"
    assert cookies[0]["httpOnly"]
    page.reload()
    expect(play.locator(".vt-headline")).to_contain_text("%")
    expect(play.locator("#vt-accept")).not_to_be_visible()  # accepted once, remembered in the frame
    page.context.close()


def test_another_site_may_frame_us_only_if_it_is_named_and_may_never_call_us(sites: Sites, strict: Browser) -> None:
    context = strict.new_context()
    page = context.new_page()
    page.goto(f"{sites.hub.origin}/medical")
    page.evaluate(
        """async (address) => {
            const body = new Blob([new Uint8Array(100)]);
            await fetch(address, {method: 'POST', mode: 'no-cors', credentials: 'include', body}).catch(() => 0);
        }""",
        f"{sites.lab.origin}/api/inputs?action=medical/classify&parameter=image",
    )
    # The browser is not told the answer (Cross-Origin-Resource-Policy); the server's log is.
    requests = [json.loads(line) for line in sites.log.read_text().splitlines() if '"POST"' in line]
    assert [told["status"] for told in requests if told["route"] == "/api/{unknown}"] == [403], "refused at the door"
    answer = page.goto(f"{sites.lab.origin}/medical")
    assert answer is not None
    assert f"frame-ancestors 'self' {sites.hub.origin}" in answer.headers["content-security-policy"]
    context.close()
