"""model.hlc: the rule of our own stamps. (The reference's functions: the judge, intention.json `hlc`.)"""

from lattice_core.errors import UsageError
from lattice_core.limits import MAX_DRIFT_MS
from lattice_core.model import hlc
from support import Rng, raises

NOW = 1_700_000_000_000


def test_now_when_nothing_is_ahead():
    assert hlc.own_wall(NOW, 0, 0) == NOW
    assert hlc.own_wall(NOW, NOW - 1, NOW - 1) == NOW


def test_strictly_behind_the_own_last_even_when_the_clock_steps_back():
    assert hlc.own_wall(NOW, NOW, 0) == NOW + 1
    assert hlc.own_wall(NOW - 5000, NOW, 0) == NOW + 1
    assert hlc.own_wall(NOW, NOW + 10 * MAX_DRIFT_MS, 0) == NOW + 10 * MAX_DRIFT_MS + 1


def test_behind_what_was_seen_within_the_drift():
    assert hlc.own_wall(NOW, 0, NOW) == NOW + 1
    assert hlc.own_wall(NOW, NOW + 5, NOW + 9) == NOW + 10
    assert hlc.own_wall(NOW, NOW + 9, NOW + 5) == NOW + 10
    assert hlc.own_wall(NOW, 0, NOW + MAX_DRIFT_MS) == NOW + MAX_DRIFT_MS + 1


def test_not_dragged_by_stamps_too_far_ahead():
    assert hlc.own_wall(NOW, 0, NOW + MAX_DRIFT_MS + 1) == NOW
    assert hlc.observe(0, NOW + MAX_DRIFT_MS + 1, NOW) == 0
    assert hlc.observe(7, 2**64 - 1, NOW) == 7
    assert hlc.observe(7, NOW + MAX_DRIFT_MS, NOW) == NOW + MAX_DRIFT_MS
    assert hlc.observe(NOW, NOW - 1, NOW) == NOW


def test_the_end_of_time_is_a_usage_error():
    assert hlc.own_wall(NOW, 2**64 - 2, 0) == 2**64 - 1
    raises(UsageError, hlc.own_wall, NOW, 2**64 - 1, 0)


def test_own_stamps_of_a_random_history_increase():
    rng = Rng(3)
    last = seen = 0
    now_ms = NOW
    for _ in range(500):
        now_ms += rng.below(2000) - 1000
        if rng.below(2):
            seen = hlc.observe(seen, now_ms + rng.below(4 * MAX_DRIFT_MS) - MAX_DRIFT_MS, now_ms)
        wall = hlc.own_wall(now_ms, last, seen)
        assert wall > last
        assert wall >= now_ms
        assert seen > now_ms + MAX_DRIFT_MS or wall > seen or wall == now_ms
        last = wall


def test_order():
    assert hlc.compare((1, 2), (1, 2)) == 0
    assert hlc.compare((1, 9), (2, 0)) == -1
    assert hlc.compare((2, 1), (2, 0)) == 1
    assert hlc.tick((5, 1), 5) == (5, 2)
    assert hlc.tick((5, 1), 6) == (6, 0)
    assert hlc.clamp_future((NOW + MAX_DRIFT_MS + 1, 0), (3, 4), NOW) == (3, 5)
