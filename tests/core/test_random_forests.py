"""Random trees of stores with random lists of members: who holds what in the end is what a model says."""

from lattice_core.model import ops
from lattice_core.wire.messages import PEER_ACTIVE, PEER_REVOKED
from support import START_MS, Rng, case
from support.nano import NodePair, node
from support.reference import RefWorld

KV = "core:kvstore"
STRATEGIES = ("inherited", "inherited", "independent", "snapshot")
PEOPLE = 2  # beside the one who makes everything


class Forest:
    """What the laptop makes, and in `lists` what the model says: {store: those whom its own list admits}; `out`: those
    who are revoked from the share."""

    def __init__(self, seed):
        self.rng = Rng(seed)
        self.laptop = node(1, "laptop")
        self.laptop.tree.open_limit = None
        self.root = self.laptop.create_store("home", "core:rootstore", None, START_MS)
        self.people = [node(number + 2, "n%d" % number) for number in range(PEOPLE)]
        self.keys = [person.identity.public for person in self.people]
        self.stores = [self.root]
        self.lists = {self.root.id: set()}
        self.out = set()
        for key in self.keys:
            self.set_status(self.root, key, PEER_ACTIVE)
        for number in range(4):
            self.make("s%d" % number)
        for _ in range(8):
            self.change()

    def make(self, name):
        parent = self.rng.choice(self.stores)
        strategy = self.rng.choice(STRATEGIES)
        made = self.laptop.create_store(name, KV, parent.id, START_MS, strategy)
        made.kv.put(b"in", name.encode(), START_MS)
        self.laptop.journal.commit(START_MS)
        if strategy == "independent":
            self.lists[made.id] = set()
        elif strategy == "snapshot":
            self.lists[made.id] = {key for key in self.keys if self.admits(parent, key)}
        self.stores.append(made)

    def change(self):
        """Somebody is let in, or shut out, in one of the lists; from the root one is shut out for good."""
        replica = self.rng.choice([one for one in self.stores if one.id in self.lists])
        key = self.rng.choice(self.keys)
        if key in self.lists[replica.id] and self.rng.below(2):
            self.laptop.members.revoke(replica, key, START_MS)
            self.lists[replica.id].discard(key)
            if replica is self.root:
                self.out.add(key)
                for listed in self.lists.values():
                    listed.discard(key)
        elif key not in self.out and replica is not self.root:
            self.set_status(replica, key, PEER_ACTIVE)

    def set_status(self, replica, key, status):
        with self.laptop.journal.write(START_MS):
            replica.write_system([ops.peer_status(key, status)], START_MS)
        self.lists[replica.id].add(key)

    def admits(self, replica, key):
        """The model: whose list counts is found upwards, and the root's revocations stand over all."""
        if key in self.out:
            return False
        while replica.id not in self.lists:
            replica = self.laptop.tree.get(replica.parent)
        return key in self.lists[replica.id]

    def reaches(self, replica, key):
        """Somebody hears of a store through those above it: as far as they are for him."""
        while replica is not None:
            if not self.admits(replica, key):
                return False
            replica = self.laptop.tree.get(replica.parent)
        return True


def check(forest):
    for person, key in zip(forest.people, forest.keys):
        for replica in forest.stores[1:]:
            found = person.tree.get(replica.id)
            held = 0 if found is None else found.store.count
            assert forest.laptop.members.may_connect(replica.id, key) == forest.admits(replica, key)
            if forest.reaches(replica, key):
                assert held >= replica.store.count - PEOPLE, replica.name  # their names may be on their way
                assert found.kv.get(b"in") is not None, replica.name
            else:
                assert held == 0, replica.name


def enter(forest, person):
    """He was admitted by hand: the root is made as a join would make it."""
    with person.journal.write(START_MS):
        person.tree.add(forest.root.id, "core:rootstore", None, START_MS).note_joined_at(forest.laptop.identity.public)


def run(seed):
    forest = Forest(seed)
    inside = [at for at in range(PEOPLE) if forest.admits(forest.root, forest.keys[at])]
    for at in inside:
        enter(forest, forest.people[at])
    if not inside:
        return
    first = forest.people[inside[0]]
    report = NodePair(first, forest.laptop).sync()
    assert report.complete, [str(error) for _, error in report.errors]
    for at in inside[1:]:
        assert NodePair(forest.people[at], forest.laptop).sync().complete
    check(forest)
    for left in inside:
        for right in inside:
            if left != right:
                NodePair(forest.people[left], forest.people[right]).sync()
    check(forest)


def test_everybody_gets_what_the_lists_admit_and_nothing_else():
    for seed in range(1, 21):
        with case("seed %d" % seed):
            run(seed)


def test_revoked_in_a_list_is_final_until_the_list_says_otherwise():
    forest = Forest(3)
    listed = [one for one in forest.stores[1:] if one.id in forest.lists]
    for replica in listed:
        for key in forest.keys:
            peer = replica.system.peer(key)
            is_in = peer is not None and peer.status == PEER_ACTIVE
            assert is_in == (key in forest.lists[replica.id])
            assert not is_in or peer.status != PEER_REVOKED


# -- over the reference's protocol ------------------------------------------------------------------------------------


def test_levels_arrive_over_the_references_protocol_too():
    laptop = node(1, "laptop")
    above = root = laptop.create_store("home", "core:rootstore", None, START_MS)
    made = []
    for number in range(3):
        above = laptop.create_store("level-%d" % number, KV, above.id, START_MS)
        above.kv.put(b"in", b"v", START_MS)
        made.append(above)
    closed = laptop.create_store("closed", KV, root.id, START_MS, "independent")
    closed.kv.put(b"in", b"v", START_MS)
    laptop.journal.commit(START_MS)
    desk = node(2, "desk")
    world = RefWorld(desk, laptop)
    report = world.run(world.a.join(laptop.invites.create(root, START_MS)))
    assert report.complete, report.errors
    for one in made:
        assert desk.tree.get(one.id).kv.get(b"in") is not None
    assert desk.tree.get(closed.id).store.count == 0
    # One that opens nothing below a child, as the reference: nothing is wrong.
    laptop.tree.close(made[1])
    report = RefWorld(desk, laptop).sync()
    assert report.complete, report.errors
    assert [store_id for store_id, _ in report.passed_over] == [made[1].id, made[2].id]
