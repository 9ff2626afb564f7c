"""Names in a DICOM header, in a PNG's text and in a file's own name reach nothing that stays: not the database, the
artifacts, the logs or the temporary files, and nothing that is sent back.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Browser, expect
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset

from tests.browser.conftest import Watch, fresh, start_server
from tests.browser.pages import Medical

pytestmark = pytest.mark.browser
SECRETS = [f"SENTINEL{number:02}" for number in range(14)]


def dicom() -> bytes:
    """A real CT slice with a secret in every kind of place."""
    ds = pydicom.dcmread(str(get_testdata_file("CT_small.dcm", download=False)))
    ds.PatientName, ds.PatientID, ds.InstitutionName = SECRETS[0], SECRETS[1], SECRETS[2]
    ds.ImageComments, ds.StudyDescription, ds.AccessionNumber = SECRETS[3], SECRETS[4], SECRETS[5]
    inner = Dataset()
    inner.PatientID, inner.CodeMeaning = SECRETS[6], SECRETS[7]
    ds.RequestAttributesSequence = [inner]
    ds.add_new((0x0009, 0x0010), "LO", SECRETS[8])
    ds.add_new((0x0009, 0x1001), "LO", SECRETS[9])
    ds.file_meta.ImplementationVersionName = SECRETS[10]
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def png() -> bytes:
    """A picture with secrets in its text and its EXIF."""
    info, exif = PngImagePlugin.PngInfo(), Image.Exif()
    info.add_text("Comment", SECRETS[11])
    exif[0x010E] = SECRETS[12]
    buffer = io.BytesIO()
    Image.fromarray(np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)).save(buffer, "PNG", pnginfo=info, exif=exif)
    return buffer.getvalue()


def test_no_secret_of_an_upload_stays_or_comes_back(browser: Browser, tmp_path: Path, watch: Watch):
    temp = tmp_path / "temp"
    temp.mkdir()
    server = start_server(tmp_path, TMPDIR=str(temp), VITRINE_LOG_LEVEL="debug")
    answers: list[bytes] = []
    try:
        (context,) = contexts = list(take_one(fresh(browser, server, watch)))
        context.on("response", lambda response: answers.append(body_of(response)))
        medical = Medical(context).accept()
        for name, data in ((f"{SECRETS[13]}.dcm", dicom()), (f"{SECRETS[13]}.png", png()), ("cut.dcm", dicom()[:9000])):
            before = medical.picture_bytes()
            medical.upload({"name": name, "mimeType": "application/octet-stream", "buffer": data})
            if name == "cut.dcm":
                expect(medical.frame.locator(".vt-problem p:visible").first).to_be_visible()
            else:
                expect(medical.pictures.first).not_to_have_attribute("src", before[0])
                medical.save()
        page = medical.page.content()
        for one in contexts:
            one.close()
    finally:
        server.stop()
    kept = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any(path.endswith(".db") for path in kept)
    assert any(str(os.sep) + "artifacts" + str(os.sep) in path for path in kept)
    for secret in SECRETS:
        needle = secret.encode()
        assert [path for path, data in kept.items() if needle in data or secret in path] == []
        assert secret not in page
        if secret != SECRETS[13]:  # the upload's own answer names the file to the browser that sent it
            assert not any(needle in answer for answer in answers)


def take_one(contexts):  # type: ignore[no-untyped-def]
    """The first of a generator, which is kept open."""
    yield next(contexts)


def body_of(response) -> bytes:  # type: ignore[no-untyped-def]
    """The body, or nothing for a stream that is still going or a page that is gone."""
    try:
        return bytes(response.body()) if "queue/data" not in response.url else b""
    except Exception:  # Playwright raises its bare Error for redirects and closed pages
        return b""
