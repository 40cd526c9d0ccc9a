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
    before = heap()
    device, storage, weaver, _ = boot(image, memory)
    first = heap()
    count = 0
    for message in messages(path):
        if count == WARM_UP:
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
    rows = len([1 for _ in weaver.store.rows(0x64)])
    full = heap()
    timed = count - WARM_UP
    report = {
        "intentions": count,
        "keys": rows,
        "heap_code_and_buffers": before,
        "heap_empty_store": first,
        "heap_full": full,
        "heap_per_intention_and_key": (full - warm) / timed,
        "per_second": timed / seconds,
        "erases_per_intention": (device.erases - erases) / timed,
        "programs_per_intention": (device.programs - programs) / timed,
        "flash_bytes_per_intention": sum(storage.slots.sizes) / count,
    }
    print(json.dumps(report))
    while storage.idle():
        pass
    device.dead = True
    del storage, weaver
    gc.collect()
    report = {"heap_before": heap()}
    device, storage, weaver, report["boot_ms"] = boot(image, memory)
    report["count"] = weaver.store.count
    report["heap_after_boot"] = heap()
    report["hidden_checkpoint_bytes"] = storage.checkpoint.bytes
    storage.files.remove("/index")
    device, storage, weaver, report["boot_without_checkpoint_ms"] = boot(image, memory)
    assert weaver.store.count == count
    print(json.dumps(report))


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
    seconds = time.ticks_diff(time.ticks_us(), started) / 1000000
    report = {"erases": device.erases - erases, "programs": device.programs - programs, "seconds": seconds}
    print(json.dumps(report))


if sys.argv[1] == "ingest":
    ingest(sys.argv[2], sys.argv[3])
else:
    blobs(sys.argv[2])
