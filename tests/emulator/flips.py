"""A full stick to flip bits in."""

import os

from damages import desk
from lattice_core.errors import LatticeError
from support.nano import hashes, same

SEED = int(os.getenv("SEED") or "1")


def populated():
    """A laptop, a visitor and a stick that has everything: own writes, content, a large body, a checkpoint."""
    made = desk(SEED)
    made.join()
    made.large()
    made.blob()
    made.blob()
    made.housekeeping()
    for _ in range(3):
        made.ingest()
        made.own()
    made.blob()
    assert made.sync().complete
    return made


def values(handle):
    """{key: value} of what can be read; what is damaged is left out."""
    found = {}
    for entry in handle.kv.list():
        try:
            if handle.weaver.read(entry.winner.hash) is None:
                continue
            value = entry.value()
            found[bytes(entry.key)] = value.read(0, value.size)
        except LatticeError:
            pass
    return found


def look(made, before, expected):
    """Nothing that the stick shows is wrong, whatever is missing."""
    node = made.stick.node
    for handle in node.tree.replicas:
        known = before[handle.id]
        assert hashes(handle) <= known, "something that was never there"
        assert not list(handle.weaver.forks()), "a fork"
    notes = node.tree.get(made.notes.id)
    if notes is not None and hashes(notes) == before[made.notes.id]:
        for key, value in values(notes).items():
            assert value == expected[key], key
    if not node.members.lists.any_cut():
        for root in node.tree.roots():
            for peer in made.laptop.members.listed(made.root):
                listed = root.system.peer(peer.key)
                assert listed is not None, "another list"
                assert listed.status == peer.status, "another list"


def refill(made):
    """Idle, the stick finds what is damaged and nobody has asked for; the owner syncs until both hold the same."""
    while made.stick.node.look_over():
        pass
    made.stick.node.journal.commit(made.now_ms)
    said = []
    for _ in range(4):
        try:
            report = made.sync()
            if report.complete and same(made.laptop, made.stick.node):
                break
            said.append([str(error) for _, error in report.errors])
        except LatticeError as error:
            said.append(str(error))
        if made.stick.storage.hurt:
            made.stick.boot()  # as the main loop does
    assert same(made.laptop, made.stick.node), (made.stick.storage.damage, said)
    for handle in made.laptop.tree.replicas:
        there = made.stick.node.tree.get(handle.id)
        assert there.weaver.state_hash() == handle.weaver.state_hash(), "another state"
        assert there.weaver.read_only is None
        assert not list(handle.weaver.forks())
    there = made.stick.node.tree.get(made.notes.id)
    for file in made.notes.files.list():
        assert there.files.held(there.files.get(file.path)), "content did not come back"
        found = b"".join(there.files.read(there.files.get(file.path).entry))
        assert found == b"".join(made.notes.files.read(file.entry)), "other content"
