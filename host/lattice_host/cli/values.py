"""Bytes on the command line: text, hex, a file, standard input; and moments."""

import datetime
import os
import re
from typing import Any

from lattice_core.api.plain import bytes_fields
from lattice_core.limits import OPS_BYTES

from .. import standard_input
from .endings import WrongUsage

_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def content(text: str, is_hex: bool, what: str) -> bytes:
    """The bytes of an argument VALUE: text, `@FILE`, `@-` for standard input, or hex. `what` names it in errors."""
    if is_hex or not text.startswith("@"):
        return _bytes(text, is_hex)
    if text == "@-":
        return standard_input.read(OPS_BYTES, what)
    return standard_input.read_file(text[1:], OPS_BYTES, what)


def fields(name: str, text: str, is_hex: bool) -> dict[str, Any]:
    """The argument of an operation that takes bytes."""
    return bytes_fields(name, _bytes(text, is_hex))


def _bytes(text, is_hex):
    if not is_hex:
        return os.fsencode(text)
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise WrongUsage("%s is not hex" % text) from None


def moment_s(text: str, now_s: int, sign: int) -> int | None:
    """Seconds since 1970 of a duration (`90m`, `12h`, `7d`, `2w`) from now, with the sign -1 before now, or of a local
    date with or without a time; None when it is neither."""
    found = re.fullmatch(r"([0-9]{1,6})([mhdw])", text)
    try:
        if found:
            return now_s + sign * int(found[1]) * _SECONDS[found[2]]
        return int(datetime.datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError, OSError):
        return None
