"""What `status` costs on a node with a long history, beside `kv get`. Prints JSON lines.

    python tests/bench/bench_status.py [--intentions N]

Half of the intentions write keys, half write small files; nobody else holds any of it, so all of it counts. They are
signed with zeros: nobody verifies them here, and it takes a minute instead of three.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from lattice_core.files import cid as cids
from lattice_core.files.entry import Entry
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_host import crypto
from lattice_host.datadir import DataDir
from lattice_host.process import collect_rarely
from lattice_host.storage import SqliteStorage
from older import commit
from processor import ended_cpu_s

MADE_MS = 1795910400000  # as in lattice_host.clock, which older revisions lack
COMMIT_INTENTIONS = 4096
RUNS = 3


class Unsigned:
    """An identity without a signature."""

    def __init__(self, public):
        self.public = public

    def sign(self, _hash):
        return bytes(64)


def make_history(folder, count):
    directory = DataDir(folder)
    public = Identity(crypto, directory.seed()).public
    try:
        storage = SqliteStorage(directory.database, own=public)
    except TypeError:  # an older revision, which is compared with, does not count its own
        storage = SqliteStorage(directory.database)
    node = Node(storage, crypto, Unsigned(public), "bench")
    node.open(MADE_MS)
    node.rename("bench", MADE_MS)
    notes = node.create_store("notes", "core:kvstore", None, MADE_MS)
    for number in range(count):
        now_ms = MADE_MS + number
        data = b"%d" % number * 8
        if number % 2:
            cid = cids.make(cids.RAW, crypto.blake3_digest(data))
            path = "folder%d/%d.txt" % (number % 100, number)
            notes.files.put_entries([(path, Entry("%d.txt" % number, 0o644, cid, now_ms, len(data), data))], now_ms)
        else:
            notes.kv.put(b"key-%07d" % number, data, now_ms)
        if number % COMMIT_INTENTIONS == 0:
            commit(node, now_ms)
    commit(node, MADE_MS + count)
    storage.close()


def processor_seconds(folder, *words):
    """The least of a few runs."""
    taken = []
    for _ in range(RUNS):
        before = ended_cpu_s()
        command = [sys.executable, "-m", "lattice_host", "--data", str(folder), *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        taken.append(ended_cpu_s() - before)
    return min(taken)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--intentions", type=int, default=300000)
    count = parser.parse_args().intentions
    collect_rarely()
    with tempfile.TemporaryDirectory(prefix="lattice-bench-") as name:
        folder = pathlib.Path(name) / "node"
        started = time.perf_counter()
        make_history(folder, count)
        figures = {"bench": "status", "intentions": count, "made_in_s": round(time.perf_counter() - started)}
        figures["status_cpu_s"] = round(processor_seconds(folder, "status", "--json"), 3)
        figures["kv_get_cpu_s"] = round(processor_seconds(folder, "kv", "get", "key-0000002"), 3)
        figures["ratio"] = round(figures["status_cpu_s"] / figures["kv_get_cpu_s"], 2)
        figures["aim"] = {"ratio": "<= 1.2"}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
