"""The node's and the files' tests again, on SQLite in place of memory."""

import importlib

import pytest

import node_support
from lattice_host.storage import SqliteStorage

MODULES = (
    "test_node_stores",
    "test_node_transaction",
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

    monkeypatch.setattr(node_support, "make_storage", make_storage)
    getattr(module, function)()
    for storage in made:
        storage.close()
