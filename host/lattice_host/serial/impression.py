"""What seems to be behind a port where no stick answers: a guess from the first bytes that came, for the error text."""

import re

from lattice_core.link import cobs, hello
from lattice_core.text import printable

_ECHO_BYTES = 16  # so many of our own bytes do not come back by chance
_SHOWN = 60
_BINARY = re.compile(rb"[^\t\r\n\x1b -~]")

# (what it looks like, what it seems to be and the next step). The first that fits counts.
_LOOKS = (
    (
        re.compile(rb"MicroPython|CircuitPython|^>>> |\n>>> ", re.MULTILINE),
        "a MicroPython prompt is there: the board has no Lattice firmware, or the firmware was stopped; install it, or "
        "plug the board in again",
    ),
    (
        re.compile(rb"\$(?:G[ABLNPQ]|BD|QZ|PU|PM)[A-Z]{1,4},"),
        "a GPS receiver is there, it sends NMEA sentences: name another port",
    ),
    (
        re.compile(rb"(?:^|[\r\n])(?:AT[^\r\n]*|OK|ERROR|RING|NO CARRIER|\+[A-Z]{3,}(?: ERROR)?:[^\r\n]*)\r"),
        "a modem is there, it speaks AT commands: name another port",
    ),
    (re.compile(rb"login: ?$|[Pp]assword: ?$"), "the console of another computer is there: name another port"),
)


def seems(heard: bytes, said: bytes) -> str:
    """What is there, and what to do. `heard`, `said`: the first bytes that came and went."""
    if not heard:
        return (
            "nothing at all comes from there: is Lattice's firmware on it, and does the cable carry data? "
            "Plug it in again"
        )
    for look, text in _LOOKS:
        if look.search(heard):
            return text
    if len(heard) >= _ECHO_BYTES and (heard in said or _comes_back(heard, said)):
        return "what we say comes back: the port is looped to itself, or a program at the other end echoes"
    asked = _hello(heard)
    if asked is not None:
        if asked:
            return "a stick answers, but no connection comes about: plug it in again, with another cable if need be"
        return "another computer's lattice-host is there, and two of them do not talk over a serial line: use a stick"
    if len(_BINARY.findall(heard)) * 20 <= len(heard):
        return "something else writes text there (%s): name another port" % _first_line(heard)
    start = heard[:8].hex(" ")
    return "bytes come from there that are no stick's (%s …): another device, or its speed is wrong" % start


def _comes_back(heard, said):
    """True when a Hello of ours stands in what came, whatever else does."""
    return any(len(frame) >= _ECHO_BYTES and frame in heard for frame in said.split(b"\0"))


def _hello(heard):
    """What a Hello that came answers: 0 when somebody at the other end begins a session, too; None without a Hello."""
    for frame in heard.split(b"\0"):
        packet = bytearray(frame)
        size = cobs.decode(memoryview(packet), 0, len(packet))
        found = hello.Collector().take(packet[:size]) if size > 0 else None
        if found is not None:
            return found[1]
    return None


def _first_line(heard):
    lines = [line.strip() for line in heard.decode("utf-8", "replace").splitlines() if line.strip()]
    return '"%s"' % printable(lines[0], _SHOWN) if lines else "empty lines"
