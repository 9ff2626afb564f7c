"""The examples of the medical viewer: real files from the packages installed here, and pictures drawn by our generator.

Nothing is downloaded and nothing is copied into Vitrine: DICOM files are read out of pydicom, pathology and retina
out of scikit-image, at the moment they are asked for.
"""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from PIL import Image as Pillow

from backends.core.errors import NotFound
from backends.core.parameters import Value
from backends.core.pictures import read_picture
from backends.core.playground import Example
from backends.medical.dicom import trusted_study
from backends.medical.window import to_grey

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples" / "medical"
THUMBNAIL_SIDE = 96
PNEUMONIA = "medical/pneumonia-resnet18"
REDCELLS = "medical/redcells-resnet18"

_PYDICOM = "From the test files of pydicom (MIT licence)"
_NEMA = "reduced from the National Electrical Manufacturers Association's sample images"
_SKIMAGE = "From the pictures of scikit-image (BSD 3-clause licence)"

# id, title, package, file in it, source, model
_INSTALLED: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("ct-spine", "CT, spine", "pydicom", "data/test_files/CT_small.dcm", f"{_PYDICOM}, {_NEMA}.", PNEUMONIA),
    ("mr-abdomen", "MR, abdomen", "pydicom", "data/test_files/examples_overlay.dcm", f"{_PYDICOM}.", PNEUMONIA),
    ("mr-detail", "MR, detail", "pydicom", "data/test_files/MR_small.dcm", f"{_PYDICOM}, {_NEMA}.", PNEUMONIA),
    ("ct-head", "CT, head", "pydicom", "data/test_files/J2K_pixelrep_mismatch.dcm", f"{_PYDICOM}.", PNEUMONIA),
    ("nm-body", "Nuclear medicine", "pydicom", "data/test_files/JPEG2000.dcm", f"{_PYDICOM}, {_NEMA}.", PNEUMONIA),
    (
        "us-heart",
        "Ultrasound film",
        "pydicom",
        "data/test_files/examples_ybr_color.dcm",
        f"{_PYDICOM}; 30 frames.",
        PNEUMONIA,
    ),
    (
        "ihc-colon",
        "Stained tissue",
        "skimage",
        "data/ihc.png",
        f"{_SKIMAGE}; colon by the Center for Microscopy And Molecular Imaging, no known copyright restrictions.",
        REDCELLS,
    ),
    (
        "retina",
        "Retina",
        "skimage",
        "data/retina.jpg",
        f"{_SKIMAGE}; Mikael Häggström, 2014, public domain (CC0).",
        REDCELLS,
    ),
    (
        "retina-detail",
        "Retina, aneurysms",
        "skimage",
        "data/microaneurysms.png",
        f"{_SKIMAGE}; High-Resolution Fundus Image Database, Andreas Maier, public domain (CC0).",
        PNEUMONIA,
    ),
)


@cache
def examples(folder: Path = FOLDER) -> tuple[Example, ...]:
    """Every example whose file is here: the synthetic ones first, since the bundled models know their kind."""
    installed = [_installed(*row) for row in _INSTALLED if _path(row[2], row[3]).is_file()]
    return (*_synthetic(folder), *installed)


def _installed(name: str, title: str, package: str, file: str, source: str, model: str) -> Example:
    return _example(name, title, source, _path(package, file), {"model": model}, synthetic=False)


def _synthetic(folder: Path) -> list[Example]:
    """What the generators' recipe has written to examples.json: X-rays, then cells, the classes taking turns."""
    index = folder / "examples.json"
    entries = json.loads(index.read_text(encoding="utf-8")) if index.is_file() else []
    turn: dict[tuple[str, str], int] = {}
    order = []
    for entry in entries:
        kind = (entry["generator"], entry["class"])
        turn[kind] = turn.get(kind, 0) + 1
        # Pneumonia before normal: the playground opens on the first, and there is more to see.
        order.append((_is_cell(entry), turn[kind], entry["class"] != "pneumonia", entry["file"], entry))
    entries = [row[4] for row in sorted(order, key=lambda row: row[:4])]
    return [_drawn(folder, entry) for entry in entries if (folder / entry["file"]).is_file()]


def _is_cell(entry: dict[str, Any]) -> bool:
    return bool(entry["generator"] == "medical/redcell-generator")


def _drawn(folder: Path, entry: dict[str, Any]) -> Example:
    name, cell = str(entry["class"]).replace("_", " "), _is_cell(entry)
    title = f"Red cell, {name}" if cell else f"Chest X-ray, {name}"
    source = f"Synthetic: drawn by {entry['generator']} with seed {entry['seed']} (Apache-2.0). It shows no patient."
    values: dict[str, Value] = {"model": REDCELLS if cell else PNEUMONIA}
    return _example(Path(entry["file"]).stem, title, source, folder / entry["file"], values, synthetic=True)


def _example(name: str, title: str, source: str, path: Path, values: dict[str, Value], *, synthetic: bool) -> Example:
    read: Callable[[], bytes] = partial(_read, path, title)
    return Example(name, title, source, read, partial(_thumbnail, path, title), values, synthetic)


def _read(path: Path, title: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as err:
        raise NotFound(f"The example '{title}' is not installed here.", hint="Choose another one.") from err


@cache
def _thumbnail(path: Path, title: str) -> bytes:
    """PNG of at most 96 x 96, the middle frame with the file's own window."""
    data = _read(path, title)
    if path.suffix == ".dcm":
        study = trusted_study(data)
        pixels = to_grey(study.values[study.count // 2], study.window)
    else:
        pixels = read_picture(data)
    picture = Pillow.fromarray(pixels)
    if max(picture.size) < THUMBNAIL_SIDE:
        factor = THUMBNAIL_SIDE // max(picture.size)
        picture = picture.resize((picture.width * factor, picture.height * factor), Pillow.Resampling.BICUBIC)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Pillow.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


def _path(package: str, file: str) -> Path:
    """Where a file of an installed package lies, without importing the package (pydicom alone takes 0.3 s)."""
    spec = importlib.util.find_spec(package)
    roots = list(spec.submodule_search_locations or []) if spec else []
    return Path(roots[0]) / file if roots else Path(package) / file
