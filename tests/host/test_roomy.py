"""What floats on a computer: the same answers as on a stick, in more room, and quick however much it is."""

import pytest

from lattice_core.model.intention import encode_body, parse
from lattice_core.sync.reference.gathered import in_order
from lattice_core.weaver import floating, roomy
from lattice_host import crypto
from lattice_host.storage import SqliteStorage
from support import Rng

STORE = b"a store of tests"


def item(author, prev, number, deps=(), size=10):
    body = encode_body(bytes([author]) * 32, number, 0, STORE, prev, list(deps), bytes(size))
    return parse(crypto, body, b"s" * 64)


@pytest.mark.parametrize("seed", range(20))
def test_both_answer_alike(seed, monkeypatch):
    monkeypatch.setattr(floating, "FLOATING_ITEMS", 12)
    monkeypatch.setattr(roomy, "FLOATING_ITEMS_ROOMY", 12)
    monkeypatch.setattr(floating, "FLOATING_BYTES", 3000)
    monkeypatch.setattr(roomy, "FLOATING_BYTES_ROOMY", 3000)
    rng = Rng(seed)
    both = floating.Floating(), roomy.RoomyFloating()
    prevs = [bytes([n]) * 32 for n in range(4)]
    held = []
    for number in range(150):
        dice = rng.below(6)
        if dice < 3:
            made = item(rng.below(3), rng.choice(prevs), number, size=rng.below(400))
            listed, blocker = rng.below(2) == 0, rng.choice(prevs)
            victims = [each.victims(made.body.size) for each in both]
            assert victims[0] == victims[1]
            if victims[0] is None:
                continue
            for each in both:
                each.add(made, blocker, listed)
                for hash in victims[0]:
                    each.remove(hash)
            held = [hash for hash in held if hash not in victims[0]] + [made.hash]
        elif held and dice == 3:
            hash = held.pop(rng.below(len(held)))
            for each in both:
                each.remove(hash)
        elif held:
            hash, blocker = rng.choice(held), rng.choice(prevs + held)
            for each in both:
                each.mark_listed(hash) if dice == 4 else each.wait_for(hash, blocker)
        answers = []
        for each in both:
            asked = [each.count, each.bytes, sorted(each.hashes), sorted(set(each.authors)), each.unlisted()]
            asked += [list(each.links()), sorted(each.by_author())]
            for prev in prevs:
                asked.append(each.waiting_for(prev))
                asked.extend([each.siblings(prev, bytes([n]) * 32) for n in range(3)])
                asked.extend([each.next_in_chain(prev, bytes([n]) * 32) for n in range(3)])
            answers.append(asked)
        assert answers[0] == answers[1]


def test_a_computer_has_the_room(tmp_path):
    storage = SqliteStorage(tmp_path / "node.db")
    assert storage.new_floating is roomy.RoomyFloating
    made = roomy.RoomyFloating()
    assert made.victims(12 << 20) == []
    # Many that each wait for many count for more than their bytes: each dep that comes is a look at one of them.
    many = item(1, bytes(32), 1, [bytes([n & 255, n >> 8]) * 16 for n in range(1024)])
    made.add(many, many.deps(), True)
    assert made.bytes > 10 * many.body.size
    storage.close()


def test_everything_goes_in_behind_what_it_needs():
    for seed in range(30):
        rng = Rng(seed)
        made = []
        for number in range(60):
            deps = sorted({rng.choice(made).hash for _ in range(rng.below(4))}) if made else []
            prev = rng.choice(made).hash if made and rng.below(2) else bytes(32)
            made.append(item(rng.below(5), prev, number, deps))
        missing = {made.pop(rng.below(len(made))).hash for _ in range(rng.below(5))}
        gathered = {each.hash: each for each in rng.shuffle(list(made))}
        seen = set()
        for each in in_order(gathered):
            for needed in [each.store_prev, *each.deps()]:
                assert needed in seen or needed in missing or needed == bytes(32)
            seen.add(each.hash)
        assert len(seen) == len(made)
        assert not gathered


class LookedAt:
    """An intention that notes each look at its deps."""

    def __init__(self, item, looks):
        self.hash, self.store_prev = item.hash, item.store_prev
        self._item, self._looks = item, looks

    def deps(self):
        self._looks.append(self.hash)
        return self._item.deps()


def test_order_costs_no_product_of_numbers():
    """Each of many needs all of many others: each is looked at twice, however they lie."""
    small = [item(1, bytes(32), number) for number in range(1000)]
    deps = [each.hash for each in small]
    large = [item(2, bytes(32), number, deps) for number in range(150)]
    looks = []
    gathered = {each.hash: LookedAt(each, looks) for each in large + small}
    assert len(list(in_order(gathered))) == 1150
    assert len(looks) <= 2 * 1150
