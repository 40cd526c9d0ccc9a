"""Two nodes over a fake connection: they end equal, whatever is cut in between."""

from nano_support import START_MS, joined, node, same


def test_join_brings_the_share_and_its_stores():
    left, right = node(1, "left"), node(2, "right")
    world, notes = joined(left, right)
    assert [handle.id for handle in right.stores] == [handle.id for handle in left.stores]
    assert same(left, right)
    assert world.b.complete


def test_writes_of_both_sides_arrive():
    left, right = node(1, "left"), node(2, "right")
    world, notes = joined(left, right)
    for number in range(30):
        notes.kv.put(b"left %d" % number, b"x" * number, START_MS + number)
    other = right.get(notes.id)
    for number in range(20):
        other.kv.put(b"right %d" % number, b"y" * number, START_MS + number)
    left.commit(START_MS)
    right.commit(START_MS)
    world.connect()
    report = world.sync()
    assert report.complete and same(left, right)
    assert world.a.progress.sent()["intentions"] == world.b.progress.received()["intentions"] == 30
    assert world.a.progress.received()["intentions"] == world.b.progress.sent()["intentions"] == 20
    assert bytes(notes.kv.get(b"right 7").read(0, 7)) == b"y" * 7
