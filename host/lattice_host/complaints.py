"""What goes to stderr: lines for people; with `--json` one object when the command ends, `{"error": {"code", "text"}}`
and `warnings` beside it (docs/errors.md)."""

import contextlib
import json
import sys

from lattice_core.text import printable

_PREFIX = "lattice-host: %s"


class _Complaints:
    def __init__(self) -> None:
        self.as_json = False
        self.error: dict[str, str] | None = None
        self.warnings: list[str] = []


_now = _Complaints()


def begin(words: list[str]) -> None:
    """The arguments of the command line decide how it complains, also when nothing else of them is understood."""
    _now.__init__()
    _now.as_json = "--json" in (words[: words.index("--")] if "--" in words else words)


def warn(text: str) -> None:
    """One line. When nobody can read it, the command goes on."""
    if _now.as_json:
        _now.warnings.append(printable(text))
    else:
        _line(_PREFIX % printable(text))


def fail(text: str, code: str) -> None:
    """Why the command ends. The first reason counts; what follows from it is a warning."""
    if _now.as_json and _now.error is None:
        _now.error = {"code": code, "text": printable(text)}
    else:
        warn(text)


def end() -> None:
    """Prints what was kept for the end."""
    said = {}
    if _now.error is not None:
        said["error"] = _now.error
    if _now.warnings:
        said["warnings"] = _now.warnings
    as_json = _now.as_json
    _now.__init__()
    _now.as_json = as_json
    if said:
        encoding = (getattr(sys.stderr, "encoding", None) or "utf-8").lower().replace("-", "")
        _line(json.dumps(said, ensure_ascii=encoding != "utf8"))


def _line(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # there is nobody to tell
        print(text, file=sys.stderr)
