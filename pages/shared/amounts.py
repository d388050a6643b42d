"""Numbers as people read them."""

from __future__ import annotations

__all__ = ["ago", "count", "duration", "noun", "progress_words", "rate", "size"]

from workbench.types import JobInfo


def count(number: float) -> str:
    """A whole number with thousands separators: ``12,345``."""
    return f"{int(number):,}"


def noun(number: int, word: str) -> str:
    """A count with its noun: ``1 image``, ``2,000 images``."""
    return f"{count(number)} {word}" if number == 1 else f"{count(number)} {word}s"


def size(amount: float) -> str:
    """Bytes in the largest fitting unit: ``1.4 GB`` (powers of 1000)."""
    for unit in ("bytes", "kB", "MB"):
        if abs(amount) < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def duration(seconds: float) -> str:
    """A time span in its two largest units: ``42 s``, ``3 min 5 s``, ``2 h 10 min``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def ago(seconds: float) -> str:
    """A moment in the past: ``just now``, ``5 min ago``, ``3 h ago``, ``2 days ago``."""
    whole = max(0, round(seconds))
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} ago"
    return "just now"


def rate(per_second: float, unit: str) -> str:
    """A speed: ``212 images/s``; below one a second, a minute's worth: ``12 images/min``."""
    if per_second >= 10:
        return f"{per_second:,.0f} {unit}/s"
    if per_second >= 1:
        return f"{per_second:.1f} {unit}/s"
    return f"{per_second * 60:.1f} {unit}/min"


def progress_words(job: JobInfo) -> str:
    """How far a job is: ``1,234 of 5,000 images · 212 images/s · 18 s left``."""
    parts = [f"{count(job.done)} of {count(job.total)} {job.unit}" if job.total else ""]
    if not job.total and job.done:
        parts = [f"{count(job.done)} {job.unit}"]
    if job.state == "running" and job.rate > 0:
        parts.append(rate(job.rate, job.unit))
    if (left := job.remaining_seconds) is not None:
        parts.append(f"{duration(left)} left")
    return " · ".join(part for part in parts if part)
