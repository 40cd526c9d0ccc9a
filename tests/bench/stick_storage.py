"""The part of bench_stick.py that runs on the stick's interpreter.

    micropython -X heapsize=497792 tests/bench/stick_storage.py ingest IMAGE MESSAGES | blobs IMAGE

Prints JSON lines of plain figures. MESSAGES: SignedIntention messages, each behind its length (u16 little-endian).
"""

import gc
import json
import sys
import time

import lattice_native as crypto
from firmware.flash import medium
from firmware.flash.storage import FlashStorage, Memory
from firmware.ports.nor import Nor
from lattice_core.machines.projection import TYPE_KV, Projection
from lattice_core.model.identity import Identity
from lattice_core.model.intention import parse_signed
from lattice_core.weaver.store import TABLE_DATA
from lattice_core.weaver.weaver import WITNESSED, Weaver

STORE = b"bench-of-ingest!"
NOW_MS = 1700000000000
BATCH_BYTES = 16384
BLOB_BYTES = 16384  # what chunks of files have on average
FILE_BYTES = 1048576
WARM_UP = 200  # intentions: pages, caches and code are there


def boot(path, memory):
    """(device, storage, weaver, ms that it took)"""
    started = time.ticks_us()
    device = Nor(path)
    storage = FlashStorage(medium.mount(device), memory)
    store = storage.store(STORE)
    weaver = Weaver(storage, store, crypto, Identity(crypto, bytes(32)), Projection(store, crypto, TYPE_KV))
    weaver.start(NOW_MS)
    storage.commit()
    return device, storage, weaver, time.ticks_diff(time.ticks_us(), started) / 1000


def heap():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()


def messages(path):
    with open(path, "rb") as file:
        while True:
            head = file.read(2)
            if not head:
                return
            yield file.read(head[0] | head[1] << 8)


def ingest(image, path):
    gc.threshold(65536)
    memory = Memory()
    device, storage, weaver, _ = boot(image, memory)
    count = 0
    for message in messages(path):
        if count == WARM_UP:
            storage.commit()
            warm = heap()
            erases, programs = device.erases, device.programs
            started = time.ticks_us()
        assert weaver.ingest(parse_signed(crypto, message), NOW_MS) == WITNESSED
        weaver.events = []
        count += 1
        if storage.pending() >= BATCH_BYTES:
            storage.commit()
    storage.commit()
    seconds = time.ticks_diff(time.ticks_us(), started) / 1000000
    message = None
    full = heap()
    timed = count - WARM_UP
    keys = len([1 for _ in weaver.store.rows(TABLE_DATA)])
    # A page of the index is charged to what is in it; what is not a page (caches, buffers) has its own figure.
    report = {"bench": "stick ingest", "intentions": count, "keys": keys, "heap_bytes": full}
    report["heap_per_intention"] = index_bytes(weaver.store.items) / count
    report["heap_per_key"] = keys_bytes(storage.keys) / keys
    report["heap_growth_per_both"] = (full - warm) / timed
    report["per_second_here"] = timed / seconds
    report["erases_each"] = (device.erases - erases) / timed
    report["programs_each"] = (device.programs - programs) / timed
    report["flash_bytes_each"] = sum(storage.slots.sizes) / count
    report["aim"] = {"heap_bytes": "<= 200000", "heap_per_intention": "<= 16", "heap_per_key": "<= 16"}
    print(json.dumps(report))
    while storage.idle():
        pass
    device.dead = True
    del storage, weaver
    boots(image, memory, count)


def boots(image, memory, count):
    """With a checkpoint and without one."""
    device, storage, weaver, took = boot(image, memory)
    assert weaver.store.count == count
    report = {"bench": "stick boot", "intentions": count, "here_ms": took, "heap_bytes": heap()}
    storage.files.remove("/index")
    device.dead = True
    del storage, weaver
    heap()
    device, storage, weaver, report["here_ms_without_checkpoint"] = boot(image, memory)
    assert weaver.store.count == count
    device.dead = True
    print(json.dumps(report))


def index_bytes(items):
    """Heap of an index: its pages and the lists that name them."""
    page = 0
    for column in (items.places, items.prefixes, items.tags):
        page += 32 + len(bytes(column[0]))
    return len(items.places) * (page + 3 * 8)


def keys_bytes(keys):
    return len(keys.pages) * (32 + len(bytes(keys.pages[0])) + 2 * 8)


def blobs(image):
    gc.threshold(65536)
    device, storage, weaver, _ = boot(image, Memory())
    store = weaver.store
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


if sys.argv[1] == "ingest":
    ingest(sys.argv[2], sys.argv[3])
else:
    blobs(sys.argv[2])
