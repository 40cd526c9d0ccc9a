"""Group `store`, with what needs the database file: `verify`."""

from typing import cast

from lattice_core.api.stores import StoreService
from lattice_core.errors import StorageError
from lattice_core.node.node import Node
from lattice_core.node.replica import Replica
from lattice_core.node.stores import id_text

from ..mending import compare, mend
from ..storage import SqliteStorage
from .backend import Result, Stream, progress


class HostStoreService(StoreService):
    def verify(self, store: str | None = None) -> Stream:
        """Checks every hash, signature and chain on disk again; what follows from the log is worked out anew where it
        is damaged. Yields progress, counted in stores. {`clean`, `medium` (what is wrong with the database file, or
        None), `stores`: [{`id`, `name`, `intentions`, `blobs`, `bytes`, `problems`, `problem_count`}]}."""
        node = self.node
        replicas = self._chosen(store)
        storage = cast(SqliteStorage, node.storage)
        damage = _medium_damage(storage)
        node.journal.rollback()
        if any(mend(node, replica.id) for replica in replicas) or storage.mended:
            damage = damage or "; ".join(storage.mended)
            node.journal.rollback()
        reports: list[Result] = []
        for replica in replicas:
            yield progress(len(reports), len(replicas), replica.label())
            reports.append(_verified(node, replica))
        if not store:
            reports += [_closed(store_id, words) for store_id, words in node.tree.damaged]
        clean = damage is None and all(report["problem_count"] == 0 for report in reports)
        return {"clean": clean, "medium": damage, "stores": reports}


def _medium_damage(storage) -> str | None:
    try:
        storage.check()
    except StorageError as error:
        return str(error)
    return None


def _verified(node: Node, replica: Replica) -> Result:
    report = replica.weaver.verify()
    if report.damaged or report.damaged_blobs:
        node.note_damage(replica, report.damaged, report.damaged_blobs)
    try:
        wrong = compare(node, replica)
    except StorageError as error:
        wrong = str(error)
    if wrong is not None:
        report.problem(wrong)
    return {
        "id": id_text(replica.id),
        "name": replica.name,
        "intentions": replica.store.count,
        "blobs": report.blobs,
        "bytes": report.bytes,
        "problems": report.problems,
        "problem_count": report.problem_count,
    }


def _closed(store_id: bytes, words: str) -> Result:
    """The report of a store that is too damaged to be opened."""
    return {
        "id": id_text(store_id),
        "name": "",
        "intentions": 0,
        "blobs": 0,
        "bytes": 0,
        "problems": [words],
        "problem_count": 1,
    }
