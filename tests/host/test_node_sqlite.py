"""The node's and the files' tests again, on SQLite in place of memory."""

import importlib
import sqlite3

import pytest

from lattice_core.errors import UsageError
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_host import crypto
from lattice_host.storage import SqliteStorage
from support import nodes

NOW_MS = 1_800_000_000_000

MODULES = (
    "test_node_stores",
    "test_node_transaction",
    "test_failing_peer",
    "test_node_peers",
    "test_invites",
    "test_files_entries",
    "test_files_content",
    "test_files_random",
    "test_files_undo",
    "test_files_books",
)
# These fill or damage the memory storage itself; test_storage_sqlite.py does the same to SQLite in its own way.
OF_MEMORY = {
    "test_a_store_that_does_not_fit_leaves_nothing",
    "test_a_damaged_store_does_not_keep_the_others_closed",
    "test_what_does_not_fit_is_named_and_the_rest_comes",
    "test_unreferenced_content_gives_way_to_what_is_wanted",
    "test_a_full_disk_does_not_cost_a_computer_its_undo",
    "test_a_want_that_found_no_room_is_noted_later",
    "test_a_missing_list_is_fetched_when_the_rest_of_the_file_is_here",
    "test_content_whose_want_finds_no_room_is_not_acknowledged_as_here",
}


def cases():
    for name in MODULES:
        module = importlib.import_module(name)
        for function in vars(module):
            if function.startswith("test_") and function not in OF_MEMORY:
                yield pytest.param(module, function, id="%s-%s" % (name[5:], function[5:]))


class OneSqlite(SqliteStorage):
    """SQLite that can be opened again as after a crash: what was not committed is gone."""

    def reopened(self):
        self.close()
        return OneSqlite(self.path)


@pytest.mark.parametrize(("module", "function"), list(cases()))
def test_on_sqlite(module, function, tmp_path, monkeypatch):
    made = []

    def make_storage(capacity=None):
        made.append(OneSqlite(tmp_path / ("%d.db" % len(made))))
        return made[-1]

    monkeypatch.setattr(nodes, "make_storage", make_storage)
    getattr(module, function)()
    for storage in made:
        storage.close()


def _damage(path, statement):
    connection = sqlite3.connect(path)
    assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()


def _opened(path):
    node = Node(SqliteStorage(path), crypto, Identity(crypto, bytes([1]) * 32), "x")
    node.open(NOW_MS)
    return node


TIP = "sequence = (SELECT count FROM store WHERE n = 1)"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE intention SET body = zeroblob(20) WHERE store = 1 AND " + TIP,
        "DELETE FROM intention WHERE store = 1 AND " + TIP,
        "UPDATE state SET value = x'0102' WHERE store = 1 AND kind = 115",
        "UPDATE state SET value = x'' WHERE store = 1 AND kind = 115",
        "UPDATE state SET value = substr(value, 1, length(value) - 1) WHERE store = 1 AND kind = 115",
        "UPDATE record SET value = x'00' WHERE substr(name, 1, 4) = CAST('own/' AS BLOB)",
    ],
    ids=["body", "missing", "row", "empty-row", "cut-row", "own-tip"],
)
def test_one_damaged_row_costs_no_more_than_its_share(statement, tmp_path):
    path = tmp_path / "node.db"
    node = _opened(path)
    notes = node.create_store("notes", "core:kvstore", None, NOW_MS)
    node.create_store("other", "core:rootstore", None, NOW_MS)
    node.storage.close()
    _damage(path, statement)
    node = _opened(path)
    assert "other" in [handle.name for handle in node.tree.replicas]
    if "record" in statement or "body" in statement:  # read as far as it is good, and nothing is written behind it
        with pytest.raises(UsageError, match="damaged"):
            node.invites.create(node.tree.roots()[0], NOW_MS)
    else:
        assert [words for _, words in node.tree.damaged if "damaged" in words], node.tree.damaged
        assert notes.parent not in [handle.id for handle in node.tree.replicas]
    node.storage.close()
