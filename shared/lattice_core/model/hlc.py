"""Hybrid logical clock stamps: (wall_ms u64, counter u32), ordered by wall, then counter.

Two halves: the functions of the reference (docs/reference/01-data-model.md §1.3), which its write path does not
use, and the rule for our own stamps (docs/protocol.md, "Stamps"): strictly increasing per store, so that the keys of
log entries never collide, and never dragged by a stamp that lies more than an hour ahead.
"""

from ..errors import UsageError
from ..limits import MAX_DRIFT_MS

_WALL_MAX = 0xFFFFFFFFFFFFFFFF


def compare(first, second):
    """-1, 0 or 1."""
    if first == second:
        return 0
    return -1 if first < second else 1


def tick(stamp, now_ms):
    """The next stamp after `stamp`."""
    wall, counter = stamp
    return (now_ms, 0) if now_ms > wall else (wall, counter + 1)


def update(stamp, received, now_ms):
    """The next stamp after both `stamp` and one that was received."""
    wall, counter = stamp
    if now_ms > wall and now_ms > received[0]:
        return now_ms, 0
    if wall > received[0]:
        return wall, counter + 1
    if received[0] > wall:
        return received[0], received[1] + 1
    return wall, max(counter, received[1]) + 1


def is_future(stamp, now_ms, max_drift_ms=MAX_DRIFT_MS):
    """True when the stamp lies further ahead than the drift allows."""
    return stamp[0] > now_ms + max_drift_ms


def clamp_future(stamp, parent, now_ms, max_drift_ms=MAX_DRIFT_MS):
    """`stamp`, or the one right after its parent when it lies too far ahead."""
    if is_future(stamp, now_ms, max_drift_ms):
        return parent[0], parent[1] + 1
    return stamp


def observe(seen_ms, wall_ms, now_ms):
    """The highest wall time seen that may move the own clock, after one more stamp was seen."""
    if wall_ms > seen_ms and wall_ms <= now_ms + MAX_DRIFT_MS:
        return wall_ms
    return seen_ms


def own_wall(now_ms, own_last_ms, seen_ms):
    """Wall time of the next own intention of a store. `own_last_ms`, `seen_ms`: 0 when there is none.

    Later than every own one, later than every one seen that is not too far ahead, never before now.
    """
    wall = now_ms
    if own_last_ms >= wall:
        wall = own_last_ms + 1
    if wall <= seen_ms <= now_ms + MAX_DRIFT_MS:
        wall = seen_ms + 1
    if wall > _WALL_MAX:
        raise UsageError("the own stamps of this store have reached the end of time; write under a new identity")
    return wall


def is_over(expires_s, now_ms):
    """True when a time in seconds, 0 for never, has come."""
    return bool(expires_s) and now_ms is not None and now_ms >= expires_s * 1000
