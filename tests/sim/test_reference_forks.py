"""What a node learns of its own chain over the reference's protocol: the same as from a Nano peer."""

from support.forks import check_cut, check_stopped, cloned, put
from support.nano import START_MS
from support.reference import RefWorld


def test_a_node_of_the_reference_brings_the_evidence_in_its_session():
    world, clone, store_id = cloned()
    put(world.left, store_id, 3, key=b"original")
    assert world.connect().sync().complete
    put(clone, store_id, 2)
    other = RefWorld(clone, world.right, START_MS + 5000)
    report = other.run(other.a.sync())
    assert not report.complete
    check_stopped(clone)


def test_a_sync_that_is_cut_leaves_an_older_copy_read_only_until_one_is_whole():
    check_cut(RefWorld)
