"""Every setting of Vitrine, typed, in one place. Each is read from the environment as VITRINE_<NAME>.

The table in README.md, section 'Settings', is held against this class by a test.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backends.core.limits import MIB, Limits

ROOT = Path(__file__).resolve().parent.parent  # the project folder: holds app/, pages/, .streamlit/
LOOPBACK = ("localhost", "127.0.0.1", "::1")
Names = Annotated[tuple[str, ...], NoDecode]  # written as a,b,c and split below, not as JSON


class Settings(BaseSettings):
    """What can be set, with its default. Raises pydantic.ValidationError on a value outside its range."""

    model_config = SettingsConfigDict(env_prefix="VITRINE_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 lets other machines in.")
    port: int = Field(7860, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    data_folder: Path = Field(
        Path("var"), description="Where database, artifacts, downloads and the cookie secret are kept; on a local disk."
    )
    database_url: str = Field("", description="SQLAlchemy address of the database; empty is SQLite in the data folder.")
    secret: str = Field("", repr=False, description="Signs the visitor cookie; empty makes one and keeps it (0600).")
    allowed_hosts: Names = Field(
        (), description="Host names that are answered, comma separated; empty: loopback names, or any on 0.0.0.0."
    )
    allowed_origins: Names = Field(
        (), description="Web origins besides our own that may call us, comma separated (https://lab.example.org)."
    )
    frame_ancestors: Names = Field(
        ("https://huggingface.co",), description="Sites that may show Vitrine in a frame, comma separated."
    )
    trust_proxy: bool = Field(
        default_factory=lambda: "SPACE_ID" in os.environ,
        description="Believe X-Forwarded-* headers of a proxy in front; on by itself only on Hugging Face Spaces.",
    )
    upload_megabytes: int = Field(64, ge=1, le=1024, description="Largest upload, in MiB.")
    picture_megapixels: int = Field(40, ge=1, le=500, description="Largest PNG or JPEG, in million pixels.")
    visitor_megabytes: int = Field(512, ge=1, description="What one visitor may keep, in MiB.")
    visitor_waiting: int = Field(16, ge=1, description="Queued runs of one visitor.")
    keep_hours: float = Field(
        24.0, gt=0, description="How long uploads and runs that were not saved are kept, in hours."
    )
    temp_minutes: float = Field(60.0, gt=0, description="How long Gradio's temporary files are kept, in minutes.")
    submits_per_second: float = Field(20.0, gt=0, description="Runs and live changes of one visitor, per second.")
    uploads_per_minute: float = Field(60.0, gt=0, description="Uploads of one visitor, per minute.")
    workers: int = Field(2, ge=1, le=64, description="Runs computed at once.")
    queue_limit: int = Field(64, ge=1, description="Runs that may wait in all; more are told to come back.")
    drain_seconds: float = Field(
        8.0, ge=0, le=60, description="How long a stopping server lets runs finish, in seconds."
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:<n>.")
    ram_gigabytes: float = Field(
        0.0, ge=0, description="Memory for loaded models, in GiB; 0 takes half of what is there."
    )
    vram_gigabytes: float = Field(
        0.0, ge=0, description="GPU memory for models, in GiB; 0 takes 80 % of what is there."
    )
    torch_threads: int = Field(0, ge=0, description="Threads of one computation; 0 divides the cores by the workers.")
    offline: bool = Field(False, description="Never ask the Hugging Face Hub for anything.")
    warm_up: bool = Field(True, description="Load each playground's default model in the background after the start.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")

    @field_validator("allowed_hosts", "allowed_origins", "frame_ancestors", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("data_folder", mode="after")
    @classmethod
    def _from_the_project(cls, value: Path) -> Path:
        return ROOT / value.expanduser()  # an absolute path stays as it is

    @property
    def limits(self) -> Limits:
        """The limits that the store and the playgrounds read."""
        return Limits(
            upload_bytes=self.upload_megabytes * MIB,
            picture_pixels=self.picture_megapixels * 1_000_000,
            visitor_bytes=self.visitor_megabytes * MIB,
            visitor_waiting=self.visitor_waiting,
            keep_hours=self.keep_hours,
        )

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names that are answered; empty means any.

        A server that listens on loopback only answers to loopback names, or a page elsewhere could reach it by
        pointing its own name at 127.0.0.1 (DNS rebinding).
        """
        if self.allowed_hosts or self.host not in LOOPBACK:
            return self.allowed_hosts
        return LOOPBACK

    @property
    def store_url(self) -> str:
        """The database's address."""
        return self.database_url or f"sqlite:///{self.data_folder / 'vitrine.db'}"
