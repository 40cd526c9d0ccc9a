"""Reconciliation by chain tips: both plans are exactly the true difference, whatever is compared."""

import sys

from lattice_core.errors import ProtocolError
from lattice_core.sync.nano import tips
from lattice_core.sync.nano.table import ChainTable
from lattice_core.sync.nano.tips import EQUAL, PLANNED, Exchange
from lattice_core.sync.reference import reconcile
from lattice_core.wire.nano_messages import NanoFrame
from support import Rng, raises
from support.sets import PlainSet
from support.tips import PLATFORM, STORE, Chains, SaltCrypto, chain_hash, converse, grow_to, random_pair

ON_DEVICE = sys.implementation.name == "micropython"


def difference(mine, theirs):
    """The true plan: {author: how many the other holds} where we have more."""
    plan = {}
    for author in mine.of:
        other = len(theirs.of.get(author, ()))
        if len(mine.of[author]) > other:
            plan[author] = other
    return plan


def check_pair(a, b, rng, agreed_a=None, agreed_b=None):
    platform = SaltCrypto(rng)
    first = Exchange(a, platform, STORE, True, False, agreed_a)
    second = Exchange(b, platform, STORE, False, False, agreed_b)
    converse(first, second)
    assert first.done(), (first.state, second.state)
    assert second.done(), (first.state, second.state)
    assert first.plan() == difference(a, b)
    assert second.plan() == difference(b, a)
    assert not first.forks()
    assert not second.forks()
    assert first.missing() == sum([len(b.of[x]) - n for x, n in difference(b, a).items()])
    assert (first.state == EQUAL) == (a.of == b.of)


def sizes(rng):
    kind = rng.below(10)
    if kind < 5:
        return rng.below(14)
    if kind < 9:
        return rng.below(60)
    return 60 + rng.below(40) if ON_DEVICE else 100 + rng.below(400)


def test_random_pairs_give_the_true_difference():
    rng = Rng(1)
    for _ in range(25 if ON_DEVICE else 1000):
        a, b = random_pair(rng, sizes(rng), 4 if ON_DEVICE else 9)
        check_pair(a, b, rng)


def all_hashes(chains):
    return [hash for author in chains.of for hash in chains.of[author]]


def planned(chains, plan):
    """The hashes that a plan sends."""
    return {hash for author in plan for hash in chains.of[author][plan[author] :]}


def found_by_the_reference(a, b):
    """What a lacks and what b lacks, as the reference's range reconciliation finds it."""
    sets = (PlainSet(all_hashes(a)), PlainSet(all_hashes(b)))
    lacking = (set(), set())
    queue = [(1, reconcile.opening(sets[0]))]
    while queue:
        side, message = queue.pop(0)
        replies, needed = reconcile.process(sets[side], message)
        lacking[side].update(needed)
        queue.extend([(1 - side, reply) for reply in replies])
    return lacking


def test_the_reference_finds_the_same():
    rng = Rng(10)
    for _ in range(5 if ON_DEVICE else 150):
        a, b = random_pair(rng, rng.below(12 if ON_DEVICE else 60), 4)
        first = Exchange(a, SaltCrypto(rng), STORE, True)
        second = Exchange(b, SaltCrypto(rng), STORE, False)
        converse(first, second)
        a_lacks, b_lacks = found_by_the_reference(a, b)
        assert planned(a, first.plan()) == b_lacks
        assert planned(b, second.plan()) == a_lacks


def test_sessions_in_a_row_heal_everything():
    """After each session what was sent is added up to a random cut; in the end both are equal."""
    rng = Rng(2)
    for _ in range(5 if ON_DEVICE else 100):
        a, b = random_pair(rng, 1 + rng.below(40), 6)
        for _ in range(200):
            check_pair(a, b, rng)
            if a.of == b.of:
                break
            for mine, theirs in ((a, b), (b, a)):
                todo = sorted(difference(mine, theirs).items())
                cut = rng.below(len(todo)) + 1 if todo else 0
                for author, position in todo[:cut]:
                    theirs.grow(author, mine.of[author][position : position + 1 + rng.below(5)])
        assert a.of == b.of


def test_equal_sets_take_one_round_trip():
    a = Chains()
    b = Chains()
    for number in range(50):
        author = PLATFORM.blake3_digest(b"%d" % number)
        grow_to(a, author, 3)
        grow_to(b, author, 3)
    platform = SaltCrypto(Rng(3))
    first = Exchange(a, platform, STORE, True)
    second = Exchange(b, platform, STORE, False)
    size, count = converse(first, second)
    assert first.state == second.state == EQUAL
    assert count == 2, (count, size)
    assert size < 240, (count, size)


def test_what_was_agreed_before_saves_bytes_and_decides_nothing():
    rng = Rng(9)
    for round in range(10 if ON_DEVICE else 300):
        a, b = random_pair(rng, 1 + rng.below(40), 5)
        for author, position in list(difference(a, b).items()) + list(difference(b, a).items()):
            longer = max((a, b), key=lambda chains: len(chains.of.get(author, ())))
            grow_to(a, author, len(longer.of[author]))
            grow_to(b, author, len(longer.of[author]))
        known = {author: len(a.of[author]) for author in a.of}
        if round % 3 == 2:  # what is remembered may be stale, or of a node that was reset
            known = {author: rng.below(known[author] + 3) for author in known}
        for chains in (a, b):
            for _ in range(rng.below(25) if round % 2 else 0):
                author = rng.choice(chains.order)
                grow_to(chains, author, len(chains.of[author]) + 1)

        check_pair(a, b, rng, remembered(known, a), remembered(known, b) if rng.below(4) else None)


def remembered(known, chains):
    """The hint of a node that remembers these lengths of its chains."""
    return lambda author: min(known.get(author, 0), len(chains.of[author]))


def test_a_fork_is_named_and_left_alone():
    rng = Rng(4)
    for authors in (1, 5, 14, 40):
        a, b = random_pair(rng, authors, 5)
        forked = b"\x07" * 32
        for chains, branch in ((a, b"left"), (b, b"right")):
            grow_to(chains, forked, 3)
            chains.grow(forked, [chain_hash(forked, 4 + i, branch) for i in range(1 + (branch == b"left"))])
        platform = SaltCrypto(rng)
        first = Exchange(a, platform, STORE, True)
        second = Exchange(b, platform, STORE, False)
        converse(first, second)
        assert first.done()
        assert second.done()
        assert forked not in first.plan()
        assert forked not in second.plan()
        assert forked in first.forks() + second.forks()
        expected = difference(a, b)
        expected.pop(forked, None)
        assert first.plan() == expected


def test_the_table_is_frozen_while_chains_grow():
    a = Chains()
    b = Chains()
    author = b"\x01" * 32
    grow_to(a, author, 5)
    grow_to(b, author, 2)
    platform = SaltCrypto(Rng(5))
    first = Exchange(a, platform, STORE, True)
    second = Exchange(b, platform, STORE, False)
    frame = first.start()[0]
    grow_to(a, author, 9)
    for reply in second.receive(NanoFrame.decode(NanoFrame.encode(frame))):
        first.receive(NanoFrame.decode(NanoFrame.encode(reply)))
    assert first.plan() == {author: 2}
    assert second.plan() == {}


class CramedTable(ChainTable):
    """Ids of 6 bits and tags of 3: collisions everywhere."""

    def __init__(self, chains, platform, salt, strangers):
        plain = platform.blake3_digest

        class Weak:
            def blake3_digest(self, data):
                digest = plain(data)
                if bytes(data)[8:9] == b"c":
                    return bytes([digest[0] & 0x0F, 0, 0, digest[1] & 0x03]) + digest[4:]
                return digest

        ChainTable.__init__(self, chains, Weak(), salt)


def test_colliding_ids_are_retried_or_given_up_but_never_a_wrong_plan():
    rng = Rng(6)
    finished = given_up = retried = 0
    ours = tips.ChainTable
    tips.ChainTable = CramedTable
    try:
        for _ in range(100 if ON_DEVICE else 400):
            a, b = random_pair(rng, 1 + rng.below(12), 4)
            platform = SaltCrypto(rng)
            first = Exchange(a, platform, STORE, True)
            second = Exchange(b, platform, STORE, False)
            try:
                converse(first, second)
            except ProtocolError:
                given_up += 1
                continue
            if not (first.done() and second.done()):
                given_up += 1
                continue
            finished += 1
            retried += first.retries > 0
            forked = first.forks() + second.forks()
            for exchange, mine, theirs in ((first, a, b), (second, b, a)):
                true = difference(mine, theirs)
                for author in exchange.plan():
                    assert author in forked or true[author] == exchange.plan()[author]
    finally:
        tips.ChainTable = ours
    assert finished, (finished, given_up, retried)
    assert retried, (finished, given_up, retried)
    assert given_up or ON_DEVICE, (finished, given_up, retried)


def damaged(rng, data):
    data = bytearray(data)
    kind = rng.below(4)
    if kind == 0 and data:
        data[rng.below(len(data))] ^= 1 << rng.below(8)
    elif kind == 1:
        del_from = rng.below(len(data) + 1)
        data = data[:del_from]
    elif kind == 2:
        at = rng.below(len(data) + 1)
        data = data[:at] + rng.bytes(1 + rng.below(6)) + data[at:]
    else:
        data = bytearray(rng.bytes(rng.below(60)))
    return bytes(data)


def test_damaged_conversations_raise_only_the_protocol_error():
    rng = Rng(7)
    errors = 0
    for _ in range(60 if ON_DEVICE else 3000):
        a, b = random_pair(rng, rng.below(30), 3)
        first = Exchange(a, SaltCrypto(rng), STORE, True)
        second = Exchange(b, SaltCrypto(rng), STORE, False)
        queue = [(second, frame) for frame in first.start()]
        hit = rng.below(4)
        try:
            while queue:
                to, frame = queue.pop(0)
                data = NanoFrame.encode(frame)
                if hit == 0:
                    data = damaged(rng, data)
                hit -= 1
                replies = to.receive(NanoFrame.decode(data))
                queue.extend([(first if to is second else second, reply) for reply in replies])
        except ProtocolError:
            errors += 1
    assert errors > 20


def test_messages_out_of_turn_are_refused():
    platform = SaltCrypto(Rng(8))
    exchange = Exchange(Chains(), platform, STORE, True)
    exchange.start()
    raises(ProtocolError, exchange.receive, {"open": {}})
    raises(ProtocolError, Exchange(Chains(), platform, STORE, False).receive, {"equal": {}})
    raises(ProtocolError, Exchange(Chains(), platform, STORE, False).receive, {})


def test_every_state_of_the_table_is_reached_by_its_methods():
    states = {tips.START, tips.LISTEN, tips.WAIT_ANSWER, tips.WAIT_REST, PLANNED, EQUAL}
    for role, state, _ in tips.TABLE:
        assert role in (tips.INITIATOR, tips.RESPONDER)
        assert state in states
    for method, following in tips.TABLE.values():
        assert hasattr(Exchange, method)
        assert set(following) <= states


def behind(forked):
    """An opener that is behind ten of the responder's newest chains; of one of them it holds another branch."""
    a, b = Chains(), Chains()
    names = [PLATFORM.blake3_digest(b"author %d" % number) for number in range(40)]
    for name in names:
        grow_to(a, name, 20)
        grow_to(b, name, 20)
    if forked:
        a.grow(names[3], [chain_hash(names[3], 21, b"other")])
    for name in names[20:35]:  # what the opener tells is equal
        grow_to(a, name, 21)
        grow_to(b, name, 21)
    for name in names[:10]:
        grow_to(b, name, 23)
    return a, b, names


def test_who_is_behind_answers_entries_with_numbers():
    a, b, _names = behind(False)
    platform = SaltCrypto(Rng(3))
    first, second = Exchange(a, platform, STORE, True), Exchange(b, platform, STORE, False)
    log = []
    converse(first, second, log)
    assert [from_first for from_first, _ in log] == [True, False, True]
    assert len(log[2][1]) < 24
    assert first.plan() == {}
    assert second.plan() == difference(b, a)


def test_a_fork_behind_the_peers_entries_is_found_by_the_sum():
    a, b, names = behind(True)
    platform = SaltCrypto(Rng(4))
    first, second = Exchange(a, platform, STORE, True), Exchange(b, platform, STORE, False)
    converse(first, second)
    assert first.done()
    assert second.done()
    assert first.retries == 1
    assert first.forks() == []
    assert second.forks() == [names[3]]
    plan = difference(b, a)
    del plan[names[3]]
    assert first.plan() == {}
    assert second.plan() == plan


def test_numbers_in_answer_to_nothing_are_refused():
    a, b, _names = behind(False)
    for numbers in (b"\x18", b"\x01" * 90, b"\x80"):
        platform = SaltCrypto(Rng(5))
        first, second = Exchange(a, platform, STORE, True), Exchange(b, platform, STORE, False)
        second.receive(NanoFrame.decode(NanoFrame.encode(first.start()[0])))
        answer = NanoFrame.decode(NanoFrame.encode({"tips": {"behind": numbers}}))
        raises(ProtocolError, second.receive, answer)
