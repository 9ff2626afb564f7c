"""Numbers and times as people say them. Pure functions; English."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from backends.store.values import State

_UNITS = ("bytes", "KB", "MB", "GB", "TB")
STATES: dict[State, str] = {
    "queued": "Waiting",
    "running": "Running",
    "done": "Done",
    "cancelled": "Stopped",
    "failed": "Failed",
    "interrupted": "Interrupted",
}


def time_ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago `moment` was: 'just now', '5 minutes ago', 'yesterday', '3 March 2026'. Both with a time zone."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{count(int(seconds // 60), 'minute')} ago"
    if seconds < 86_400:
        return f"{count(int(seconds // 3600), 'hour')} ago"
    if seconds < 2 * 86_400:
        return "yesterday"
    if seconds < 7 * 86_400:
        return f"{int(seconds // 86_400)} days ago"
    return f"{moment.day} {moment:%B %Y}"


def clock_time(moment: datetime, zone: tzinfo = UTC, now: datetime | None = None) -> str:
    """When something will be: '14:30', 'tomorrow, 14:30', '3 March, 14:30'. zone: where the reader is."""
    local, today = moment.astimezone(zone), (now or datetime.now(UTC)).astimezone(zone).date()
    days = (local.date() - today).days
    if days in (0, 1):
        return f"{'tomorrow, ' if days else ''}{local:%H:%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {local:%B}{year}, {local:%H:%M}"


def byte_size(size: float) -> str:
    """A size in bytes with three figures: '42.6 MB' (powers of 1,024, as memory is counted)."""
    unit = 0
    while size >= 1023.5 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:.0f} {_UNITS[unit]}" if unit == 0 else f"{float(f'{size:.3g}'):g} {_UNITS[unit]}"


def percent(fraction: float) -> str:
    """A fraction in [0, 1] as per cent, never rounded to 0 or 100 unless it is: '97.5 %', '< 0.1 %', '> 99.9 %'."""
    value = 100 * fraction
    if 0 < value < 0.05:
        return "< 0.1 %"
    if 99.95 <= value < 100:
        return "> 99.9 %"
    return f"{value:.1f} %" if value % 1 else f"{value:.0f} %"


def count(number: int, noun: str) -> str:
    """A number with its noun: '1 run', '3 runs', '11,700,000 parameters'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def short(number: float) -> str:
    """A large number in words' length: '11.2 million', '350 thousand'."""
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if number >= size:
            return f"{number / size:.3g} {name}"
    return f"{number:g}"


def seconds(duration: float) -> str:
    """A duration in seconds: '85 ms', '3.2 s', '2 min 5 s'."""
    if duration < 1:
        return f"{duration * 1000:.0f} ms"
    if duration < 60:
        return f"{duration:.1f} s"
    return f"{int(duration // 60)} min {int(duration % 60)} s"
