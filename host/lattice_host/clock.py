"""Whether this computer's clock can be right. A write that is stamped years ahead wins every later conflict, for good,
and nobody can take it back; so it is said at the write, and in `status`.

No network is asked. What is known: when this program was made, and the stamps that are in the stores.
"""

import os
import time
from datetime import UTC, datetime
from typing import NamedTuple

MADE_MS = 1795910400000  # 2026-11-29, this version
_DAY_MS = 86400000
_YEAR_MS = 365 * _DAY_MS
_AUTHORS = 64  # of a store, whose newest writes are looked at
_LATEST_MS = 253402300799000  # the year 9999: the last that a date can show


def now_ms():
    """Wall time in ms, as a stamp can hold it: a clock that shows a time before 1970 is a wrong one like any other."""
    return min(max(int(time.time() * 1000), 0), _LATEST_MS)


class Now(NamedTuple):
    """One moment on the two clocks of lattice_core/endpoint.py."""

    ticks_ms: int
    wall_ms: int


class Clock:
    """What a driver goes by. Its wall time is that of its start plus the ticks since: it never goes back or leaps."""

    def __init__(self) -> None:
        self._offset_ms = now_ms() - int(time.monotonic() * 1000)

    def now(self) -> Now:
        ticks_ms = int(time.monotonic() * 1000)
        return Now(ticks_ms, max(ticks_ms + self._offset_ms, 0))


def problems(node, storage, now_ms):
    """What seems to be wrong, as sentences; none when nothing does."""
    found = []
    if now_ms < MADE_MS - 2 * _YEAR_MS:
        found.append(
            "this computer's clock shows %s, years before this program was made: set it right before you write, the "
            "changes of others win against what you write now" % _date(now_ms)
        )
    known_ms = _known(storage, now_ms)
    if now_ms > known_ms + _YEAR_MS:
        found.append(
            "this computer's clock shows %s, %s after everything that is known here: if that is wrong, set it right "
            "before you write, for what is written now wins every conflict until then"
            % (_date(now_ms), _span(now_ms - known_ms))
        )
    return found + [_ahead(node, handle, author, wall_ms, now_ms) for handle, author, wall_ms in _late(node, now_ms)]


def _known(storage, now_ms):
    """The latest time up to which something happened at least once a year since this program was made or installed:
    writes that were made behind a leap of the clock do not count."""
    known_ms = max(MADE_MS, int(os.stat(__file__).st_mtime * 1000))
    if now_ms <= known_ms + _YEAR_MS:
        return known_ms
    for wall_ms in storage.stamps(known_ms):
        if wall_ms > known_ms + _YEAR_MS:
            break
        known_ms = wall_ms
    return known_ms


def _late(node, now_ms):
    """[(handle, author, stamp)]: the newest writes of authors that lie more than a day ahead."""
    found = []
    for handle in node.tree.replicas:
        for author in handle.store.newest_authors(_AUTHORS):
            wall_ms = handle.store.get(handle.store.chain(author)[1]).wall_ms
            if wall_ms > now_ms + _DAY_MS:
                found.append((handle, author, wall_ms))
    return found


def _ahead(node, handle, author, wall_ms, now_ms):
    who = "this node" if author == node.identity.public else node.members.peer_name(author) or author.hex()[:8]
    return (
        "the newest write of %s in %s is dated %s, %s ahead of this computer's clock: one of the two clocks was wrong; "
        "until then that write wins its conflicts" % (who, handle.label(), _date(wall_ms), _span(wall_ms - now_ms))
    )


def _date(wall_ms):
    if not 0 <= wall_ms <= _LATEST_MS:
        return "%d ms" % wall_ms
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime("%Y-%m-%d")


def _span(span_ms):
    days = span_ms // _DAY_MS
    return "%d years" % (days // 365) if days >= 730 else "%d days" % days
