"""Range reconciliation: single messages against a plain set, and what two sets find of each other."""

from lattice_core.errors import ProtocolError
from lattice_core.sync.reference import reconcile
from lattice_core.sync.reference.reconcile import DONE, FIRST, LAST
from support import Rng, raises
from support.sets import PlainSet, listed, some


def test_equal_ranges_are_done_whatever_the_count():
    own = PlainSet(some(1, 40))
    opening = reconcile.opening(own)
    assert reconcile.process(own, opening) == ([DONE], [])
    opening["range_fingerprint"]["count"] = 7
    assert reconcile.process(own, opening) == ([DONE], [])


def test_small_ranges_are_listed_and_large_ones_split():
    own = PlainSet(some(2, 16))
    theirs = PlainSet(some(3, 16))
    replies, needed = reconcile.process(own, reconcile.opening(theirs))
    assert replies == [listed("range_items_request", FIRST, LAST, own.hashes)]
    assert needed == []
    replies, needed = reconcile.process(own, reconcile.opening(PlainSet(some(3, 17))))
    halves = [reply["range_fingerprint"] for reply in replies]
    assert (halves[0]["start"], halves[0]["end"]) == (FIRST, reconcile.midpoint(FIRST, LAST))
    assert (halves[1]["start"], halves[1]["end"]) == (halves[0]["end"], LAST)
    assert halves[0]["count"] + halves[1]["count"] == 16


def test_midpoints_of_halvings_are_exact():
    start, end = 0, (1 << 256) - 1
    rng = Rng(4)
    for _ in range(127):  # deeper ones only a grinder of hashes gets to
        middle = (start + end) >> 1
        got = reconcile.midpoint(start.to_bytes(32, "big"), end.to_bytes(32, "big"))
        assert int.from_bytes(got, "big") == middle
        if rng.below(2):
            start = middle
        else:
            end = middle


def test_what_is_needed_follows_the_peers_list():
    held, extra = some(5, 6), some(6, 3)
    own = PlainSet(held)
    asked = [extra[0], held[0], extra[1], extra[1]]
    replies, needed = reconcile.process(own, listed("range_items_request", FIRST, LAST, asked))
    assert replies == [listed("range_items_reply", FIRST, LAST, sorted(held))]
    assert needed == [extra[0], extra[1], extra[1]]
    assert reconcile.process(own, listed("range_items_reply", FIRST, LAST, extra)) == ([DONE], extra)
    assert reconcile.process(own, DONE) == ([], [])


def test_malformed_messages_are_refused():
    own = PlainSet(some(7, 3))
    short = {"start": FIRST[:31], "end": LAST, "fingerprint": FIRST, "count": 1}
    for message in (
        {},
        {"range_fingerprint": short},
        {"range_fingerprint": {"start": FIRST, "end": LAST, "fingerprint": FIRST + b"\x00", "count": 1}},
        listed("range_items_request", FIRST, b"", []),
        listed("range_items_reply", FIRST, LAST, [FIRST[:31]]),
    ):
        raises(ProtocolError, reconcile.process, own, message)


def test_a_list_that_is_too_long_is_refused_not_cut():
    class Many(PlainSet):
        def range_hashes(self, start, end, limit):
            return [FIRST] * min(limit, 2049)

    raises(ProtocolError, reconcile.process, Many([]), listed("range_items_request", FIRST, LAST, []))


def test_two_sets_find_exactly_what_each_lacks():
    for seed in range(12):
        rng = Rng(seed)
        common = some(seed + 100, rng.below(60))
        left = some(seed + 200, rng.below(30))
        right = some(seed + 300, rng.below(30))
        a, b = PlainSet(common + left), PlainSet(common + right)
        wants = {True: [], False: []}
        waiting = [(b, a, False, reconcile.opening(a))]
        while waiting:
            own, other, is_a, message = waiting.pop()
            replies, needed = reconcile.process(own, message)
            wants[is_a].extend(needed)
            waiting.extend([(other, own, not is_a, reply) for reply in replies])
        assert sorted(wants[True]) == sorted(right)
        assert sorted(wants[False]) == sorted(left)
