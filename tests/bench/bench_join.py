"""How long a join takes that fetches thousands of intentions over QUIC, by each of the two protocols. JSON lines.

    python tests/bench/bench_join.py [--intentions N] [--runs N]

Two nodes with databases, each a process of its own, on the loopback. The protocols take turns, so that a busy machine
is busy for both; figures are medians. `ratio`: the time of ours divided by that of the reference's.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import pathlib
import statistics
import tempfile
import time

from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.sync.common.streams import ALPN_NANO, ALPN_SYNC
from lattice_host import crypto
from lattice_host.process import collect_rarely
from lattice_host.storage import SqliteStorage

try:
    from lattice_host.links import dial as quic
    from lattice_host.links.driver import drive
except ImportError:  # an older revision, which is compared with
    from lattice_host.links import endpoint as quic  # type: ignore[no-redef]

    async def drive(peer, done):
        await quic.drive(peer, peer.connection, done)


VALUE = b"v" * 64


def now_ms():
    return int(time.time() * 1000)


def make_node(path, number, name):
    node = Node(SqliteStorage(path), crypto, Identity(crypto, bytes([number]) * 32), name)
    node.open(now_ms())
    return node


def hold(path, count, pipe):
    """The process of the holder: makes the history, then lets one node after the other join, until nobody comes."""
    collect_rarely()
    node = make_node(path, 1, "holder")
    notes = node.create_store("notes", "core:kvstore", None, now_ms())
    for number in range(count):
        notes.kv.put(b"key-%06d" % number, VALUE, now_ms())
    node.journal.commit(now_ms())
    asyncio.run(serve(node, pipe))


async def serve(node, pipe):
    endpoint = await quic.bind(node.identity.seed)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, pipe.recv):
        pipe.send(
            (node.identity.public, endpoint.bound_sockets()[:1], node.invites.create(node.tree.roots()[0], now_ms()))
        )
        connection = await quic.accept(endpoint)
        started = time.process_time()
        peer = quic.peer_of(node, connection)
        await drive(peer, lambda: False)
        pipe.send(time.process_time() - started)
    await endpoint.close()


async def join(path, number, alpn, offer, count):
    """(seconds, seconds of this process) of one join into an empty database."""
    key, addresses, token = offer
    node = make_node(path, number, "joiner")
    endpoint = await quic.bind(node.identity.seed)
    started, processor = time.perf_counter(), time.process_time()
    connection = await quic.dial(endpoint, key, addresses, alpn)
    peer = quic.peer_of(node, connection)
    task = peer.join(token)
    await drive(peer, lambda: task.done)
    seconds, processor = time.perf_counter() - started, time.process_time() - processor
    if task.error is not None:
        raise task.error
    assert task.result.complete, [str(error) for _, error in task.result.errors] or [
        vars(outcome) for outcome in task.result.outcomes.values() if not outcome.complete
    ]
    assert node.tree.find("notes").store.count >= count
    assert node.storage.pending() == 0
    peer.close("done")
    await endpoint.close()
    node.storage.close()
    return seconds, processor


def measure(count, runs, protocols=(ALPN_NANO, ALPN_SYNC)):
    context = multiprocessing.get_context("spawn")
    pipe, other = context.Pipe()
    times = {alpn: [] for alpn in protocols}
    with tempfile.TemporaryDirectory(prefix="lattice-bench-") as folder:
        holder = context.Process(target=hold, args=(os.path.join(folder, "holder.db"), count, other), daemon=True)
        holder.start()
        for run in range(runs + 1):  # the first of each is not counted
            for alpn in protocols:
                pipe.send(True)
                path = pathlib.Path(folder, "joiner-%d.db" % (2 * run + (alpn == ALPN_SYNC)))
                figures = asyncio.run(join(path, 2 + run, alpn, pipe.recv(), count))
                served = pipe.recv()
                path.unlink()
                if run:
                    times[alpn].append((*figures, served))
        pipe.send(False)
        holder.join()
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--intentions", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    collect_rarely()
    times = measure(options.intentions, options.runs)
    medians = {}
    for alpn, runs in times.items():
        medians[alpn] = statistics.median([seconds for seconds, _, _ in runs])
        figures = {"bench": "join over QUIC", "protocol": alpn, "intentions": options.intentions}
        figures["seconds"] = round(medians[alpn], 3)
        figures["joiner_cpu_seconds"] = round(statistics.median([joiner for _, joiner, _ in runs]), 3)
        figures["holder_cpu_seconds"] = round(statistics.median([holder for _, _, holder in runs]), 3)
        print(json.dumps(figures), flush=True)
    ratio = round(medians[ALPN_NANO] / medians[ALPN_SYNC], 2)
    print(json.dumps({"bench": "join over QUIC", "ratio": ratio, "aim": {"ratio": "<= 0.8"}}), flush=True)


if __name__ == "__main__":
    main()
