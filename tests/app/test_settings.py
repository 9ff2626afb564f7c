"""Settings: each is documented, read from the environment, and judged."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import ROOT, Settings
from app.wiring import secret


def test_the_readme_lists_every_setting_with_its_default_and_description() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.split("## Settings", 1)[1].split("\n## ", 1)[0]
    rows = {row[0]: row[1:] for row in re.findall(r"^\| `(VITRINE_\w+)` \| (.*?) \| (.*?) \|$", table, re.MULTILINE)}
    wanted = {f"VITRINE_{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(rows) == set(wanted)
    for name, field in wanted.items():
        assert rows[name] == (default_of(field), field.description), name


def default_of(field: object) -> str:
    if field.default_factory is not None:
        return "by itself"
    value = field.default
    if isinstance(value, tuple):
        value = ",".join(value)
    if isinstance(value, bool):
        value = str(value).lower()
    return f"`{value}`" if str(value) else "empty"


def test_settings_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_PORT", "9000")
    monkeypatch.setenv("VITRINE_ALLOWED_HOSTS", "lab.example.org, *.example.org")
    settings = Settings()
    assert settings.port == 9000
    assert settings.allowed_hosts == ("lab.example.org", "*.example.org")


def test_a_value_outside_its_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VITRINE_WORKERS", "0")
    with pytest.raises(ValidationError, match="workers"):
        Settings()


def test_a_server_on_loopback_answers_to_loopback_names_only() -> None:
    assert Settings(host="127.0.0.1").hosts == ("localhost", "127.0.0.1", "::1")
    assert Settings(host="0.0.0.0").hosts == ()
    assert Settings(host="127.0.0.1", allowed_hosts="lab.example.org").hosts == ("lab.example.org",)


def test_the_cookie_secret_is_made_once_and_readable_by_us_only(tmp_path: Path) -> None:
    settings = Settings(data_folder=tmp_path)
    first = secret(settings)
    assert len(first) >= 32
    assert secret(settings) == first
    assert stat.S_IMODE((tmp_path / "cookie.secret").stat().st_mode) == 0o600
    assert "secret" not in repr(Settings(secret="x" * 20)).replace("VITRINE", "")
