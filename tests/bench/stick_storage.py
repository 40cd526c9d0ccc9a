"""The part of bench_stick.py that runs on the stick's interpreter.

    micropython -X heapsize=483456 tests/bench/stick_storage.py ingest IMAGE MESSAGES | boots IMAGE | blobs IMAGE

Prints JSON lines of plain figures. MESSAGES: SignedIntention messages, each behind its length (u16 little-endian).
"""

import gc
import json
import sys
import time

gc.collect()
SCRIPT_BYTES = gc.mem_alloc()  # this script; the firmware itself is frozen

import lattice_native as crypto  # noqa: E402 (behind the measurement)

from firmware import main  # noqa: E402
from firmware.ports.nor import Nor  # noqa: E402
from lattice_core.model.intention import parse_signed  # noqa: E402
from lattice_core.node import stores  # noqa: E402
from lattice_core.weaver.weaver import WITNESSED  # noqa: E402

try:
    from lattice_core.storage.contract import TABLE_DATA
    from lattice_flash.checkpoint import NAME as CHECKPOINT
except ImportError:  # older revisions, which are compared with, have these elsewhere, and the checkpoint in the root
    from lattice_core.weaver.store import TABLE_DATA

    CHECKPOINT = "/index"

STORE = b"bench-of-ingest!"
NOW_MS = 1700000000000
BATCH_BYTES = 16384
BLOB_BYTES = 16384  # what chunks of files have on average
FILE_BYTES = 1048576
WARM_UP = 200  # intentions: pages, caches and code are there


class BenchBoard:
    """The firmware's machine, without a serial line."""

    crypto = crypto

    def __init__(self, path):
        self.flash = Nor(path)
        self.serial = None
        self.transports = []
        self.clock = self

    def now_ms(self):
        return 0

    def button_ms(self):
        return 0


def journal_of(node):
    return getattr(node, "journal", node)


def boot(path):
    """The whole firmware up to its loop: (chip, storage, handle of the store, ms that it took)"""
    started = time.ticks_us()
    loop = main.start(BenchBoard(path))
    node = loop.node
    tree = getattr(node, "tree", node)
    if not tree.roots():
        root = node.create_store("share", stores.ROOT_TYPE, None, NOW_MS)
        if tree is node:
            node.add_handle(stores.add_store(node, STORE, stores.KV_TYPE, root.id, NOW_MS))
        else:
            tree.add(STORE, stores.KV_TYPE, root.id, NOW_MS)
        journal_of(node).commit(NOW_MS)
    return loop, tree.get(STORE), time.ticks_diff(time.ticks_us(), started) / 1000


def heap():
    """Bytes of heap that the firmware and what it serves hold."""
    gc.collect()
    gc.collect()
    return gc.mem_alloc() - SCRIPT_BYTES


def messages(path):
    with open(path, "rb") as file:
        while True:
            head = file.read(2)
            if not head:
                return
            yield file.read(head[0] | head[1] << 8)


def ingest(image, path):
    loop, handle, _ = boot(image)
    storage, device, weaver = loop.storage, loop.board.flash, handle.weaver
    journal = journal_of(loop.node)
    count = 0
    for message in messages(path):
        if count == WARM_UP:
            storage.commit()
            warm = heap()
            erases, programs = device.erases, device.programs
            started = time.ticks_us()
        assert weaver.ingest(parse_signed(crypto, message), NOW_MS) == WITNESSED
        count += 1
        journal.commit_due(NOW_MS)
        if journal is loop.node:
            journal.take_events()  # what the loop did then
    journal.commit(NOW_MS)
    seconds = time.ticks_diff(time.ticks_us(), started) / 1000000
    message = None
    full = heap()
    timed = count - WARM_UP
    keys = len([1 for _ in weaver.store.rows(TABLE_DATA)])
    # A page of the index is charged to what is in it; what is not a page (caches, buffers) has its own figure.
    report = {"bench": "stick ingest", "intentions": count, "keys": keys, "heap_bytes": full}
    report["heap_per_intention"] = index_bytes(weaver.store.items) / count
    report["heap_per_key"] = keys_bytes(getattr(storage, "row_index", None) or storage.keys) / keys
    report["heap_growth_per_both"] = (full - warm) / timed
    report["per_second_here"] = timed / seconds
    report["erases_each"] = (device.erases - erases) / timed
    report["programs_each"] = (device.programs - programs) / timed
    report["flash_bytes_each"] = sum((getattr(storage, "segments", None) or storage.slots).sizes) / count
    report["aim"] = {"heap_bytes": "<= 200000", "heap_per_intention": "<= 16", "heap_per_key": "<= 16"}
    print(json.dumps(report))
    while storage.idle():
        pass
    device.dead = True


def boots(image):
    """One boot; the next one has no checkpoint."""
    loop, handle, took = boot(image)
    there = loop.storage.files.size(CHECKPOINT) >= 0
    name = "stick boot" if there else "stick boot without checkpoint"
    print(json.dumps({"bench": name, "intentions": handle.store.count, "here_ms": took, "heap_bytes": heap()}))
    if there:
        loop.storage.files.remove(CHECKPOINT)
    loop.board.flash.dead = True


def index_bytes(items):
    """Heap of an index: its pages and the lists that name them."""
    page = 0
    addresses = getattr(items, "addresses", None) or items.places
    for column in (addresses, items.prefixes, items.tags):
        page += 32 + len(bytes(column[0]))
    return len(addresses) * (page + 3 * 8)


def keys_bytes(keys):
    return len(keys.pages) * (32 + len(bytes(keys.pages[0])) + 2 * 8)


def blobs(image):
    loop, handle, _ = boot(image)
    storage, device, store = loop.storage, loop.board.flash, handle.store
    erases, programs = device.erases, device.programs
    started = time.ticks_us()
    piece = bytes(1024)
    for number in range(FILE_BYTES // BLOB_BYTES):
        writer = storage.body_writer(BLOB_BYTES)
        for _ in range(BLOB_BYTES // 1024):
            writer.write(piece)
        store.put_blob(bytes([number]) * 32, writer.body())
        if storage.pending() >= BATCH_BYTES:
            storage.commit()
    storage.commit()
    report = {"bench": "1 MiB of blobs onto the stick", "erases": device.erases - erases}
    report["programs"] = device.programs - programs
    report["here_s"] = time.ticks_diff(time.ticks_us(), started) / 1000000
    print(json.dumps(report))


{"ingest": ingest, "boots": boots, "blobs": blobs}[sys.argv[1]](*sys.argv[2:])
