"""log.*: plain values in and out, one store or the only one, cursors that lose nothing."""

from lattice_core.api.log import LogService
from lattice_core.errors import UsageError
from lattice_core.machines.registry import TYPE_KV, TYPE_LOG
from support import case, raises
from support.nodes import NOW_MS, join, make_node, meet


class LogClock:
    def __init__(self):
        self.now_ms = NOW_MS

    def __call__(self):
        self.now_ms += 1000
        return self.now_ms


def made():
    node = make_node(1, "laptop")
    node.create_store("diary", "log", None, NOW_MS)
    return node, LogService(node, LogClock())


def values(answer):
    return [entry.get("value", entry.get("value_hex")) for entry in answer["entries"]]


def filled(count=5):
    node, log = made()
    for number in range(count):
        log.append(value="entry %d" % number)
    return node, log


def test_an_entry_is_plain_values():
    node, log = made()
    written = log.append("diary", value="grün")
    assert written["wall_ms"] == NOW_MS + 1000
    binary = log.append(value_hex="ff00")
    first, second = log.read()["entries"]
    own = node.identity.public.hex()
    assert first == {
        "wall_ms": NOW_MS + 1000,
        "author": own,
        "author_name": "laptop",
        "hash": written["hash"],
        "size": 5,
        "value": "grün",
    }
    assert second["hash"] == binary["hash"]
    assert second["value_hex"] == "ff00"
    assert "value" not in second


def test_an_append_is_durable_when_it_returns():
    node, log = made()
    log.append(value="kept")
    node.journal.rollback()
    assert values(log.read()) == ["kept"]


def test_read_by_time_and_in_pages():
    _, log = filled()
    first = NOW_MS + 1000
    assert values(log.read(from_ms=first + 1000, to_ms=first + 3000)) == ["entry 1", "entry 2"]
    page = log.read(limit=2)
    assert values(page) == ["entry 0", "entry 1"]
    assert page["more"]
    rest = log.read(after=page["entries"][-1]["hash"])
    assert values(rest) == ["entry 2", "entry 3", "entry 4"]
    assert not rest["more"]
    assert not log.read(limit=5)["more"]


def test_the_tail():
    _, log = filled(12)
    assert values(log.tail(limit=2)) == ["entry 10", "entry 11"]
    assert len(log.tail()["entries"]) == 10
    assert values(log.tail(to_ms=NOW_MS + 3000, limit=1)) == ["entry 1"]


def test_following_begins_at_the_end_and_misses_nothing():
    node, log = filled(2)
    cursor = log.follow()["cursor"]
    log.append(value="new")
    node.create_store("other", "kv", None, NOW_MS)
    answer = log.follow(cursor=cursor)
    assert values(answer) == ["new"]
    assert values(log.follow(cursor=answer["cursor"])) == []
    for limit in (1, 2, 3, 4):
        with case("limit %d" % limit):
            found, cursor, more = [], 0, True
            while more:
                answer = log.follow(cursor=cursor, limit=limit)
                found += values(answer)
                cursor, more = answer["cursor"], answer["more"]
            assert found == ["entry 0", "entry 1", "new"]
    assert values(log.follow(cursor=0, from_ms=NOW_MS + 2000)) == ["entry 1", "new"]
    assert raises(UsageError, log.follow, None, 99).code == "lost_cursor"


def test_what_another_node_wrote_earlier_arrives_later():
    node, log = filled(2)
    other = make_node(2, "desktop")
    join(other, node, node.invites.create(node.tree.roots()[0], NOW_MS))
    (theirs,) = [handle for handle in other.tree.replicas if handle.type == TYPE_LOG]
    assert values(LogService(other, LogClock()).read()) == ["entry 0", "entry 1"]
    theirs.view.append(b"between", NOW_MS + 1500)
    other.journal.commit()
    cursor = log.follow()["cursor"]
    meet(other, node)
    (entry,) = log.follow(cursor=cursor)["entries"]
    assert (entry["value"], entry["author_name"]) == ("between", "desktop")
    assert "between" in values(log.read())


def test_what_is_refused_says_why():
    node, log = made()
    codes = {}
    for name, function, arguments in (
        ("empty", log.append, (None, "")),
        ("nothing", log.append, ()),
        ("twice", log.append, (None, "a", "61")),
        ("no hex", log.append, (None, None, "xyz")),
        ("an unknown store", log.read, ("nowhere",)),
        ("an unknown entry", log.read, (None, 0, None, "ab" * 32)),
        ("no hash", log.read, (None, 0, None, "abc")),
    ):
        with case(name):
            codes[name] = raises(UsageError, function, *arguments).code
    assert codes["empty"] == codes["nothing"] == codes["twice"] == codes["no hex"] == "bad_value"
    assert codes["an unknown entry"] == "unknown_entry"
    node.create_store("notes", TYPE_KV, None, NOW_MS)
    assert raises(UsageError, log.read, "notes").code == "wrong_type"
    assert raises(UsageError, node.tree.find("diary").kv.put, b"k", b"v", NOW_MS).code == "wrong_type"
    node.create_store("second", TYPE_LOG, None, NOW_MS)
    assert raises(UsageError, log.read).code == "ambiguous"
    empty = LogService(make_node(2), LogClock())
    assert raises(UsageError, empty.read).code == "no_store"
