#!/usr/bin/env bash
# littlefs-python: a block device in Python that raises has succeeded, as far as the file system knows.
#
# Guess: an exception that `read`, `prog`, `erase` or `sync` of a UserContext raises comes out of the call on the file,
# or that call fails with an error of littlefs.
# Seen: it is printed as "Exception ignored", and the operation counts as done. A file of 10,240 bytes of which one block
# cannot be read gives 10,240 bytes, some of them wrong, without an error: file data has no checksum in littlefs. A
# `sync` that raises fails nothing: the file is written and closed. A `prog` that raises is noticed, because littlefs reads
# back what it has programmed, but by another name: making a file ends with "name too long". Only an error that `prog`
# returns as a negative number reaches the caller as what it is. So a device in Python returns its errors where it can,
# remembers what it raised, and its owner asks for that after each call.
#
# Run on 2026-11-30 with CPython 3.11 on Linux, littlefs-python 0.12.0 and 0.19.0; both printed:
#   a block that raises when read: 10240 bytes, right: no, error: none
#   a sync that raises: error: none
#   a program that returns -5: error: LittleFSError -5
#   a program that raises: error: LittleFSError -36
#
# Exit status 1 when any of this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/device.py" <<'PY'
import littlefs

BLOCK, BLOCKS = 4096, 32
DATA = bytes(range(256)) * 40


class Device(littlefs.UserContext):
    bad_block = -1
    failing = ""

    def read(self, cfg, block, off, size):
        if block == self.bad_block:
            raise OSError(5, "cannot be read")
        return super().read(cfg, block, off, size)

    def prog(self, cfg, block, off, data):
        if self.failing == "prog":
            raise OSError(5, "cannot be programmed")
        return -5 if self.failing == "prog returns" else super().prog(cfg, block, off, data)

    def sync(self, cfg):
        if self.failing == "sync":
            raise OSError(5, "cannot be synced")
        return 0


def made():
    device = Device(BLOCK * BLOCKS)
    system = littlefs.LittleFS(context=device, block_size=BLOCK, block_count=BLOCKS)
    with system.open("file", "wb") as file:
        file.write(DATA)
    return device, system


def outcome(work):
    """(what it gave, the error in words)"""
    try:
        return work(), "none"
    except littlefs.LittleFSError as error:
        return None, "LittleFSError %d" % error.code


def write(system):
    with system.open("other", "wb") as file:
        file.write(DATA)


def read(device):
    system = littlefs.LittleFS(context=device, block_size=BLOCK, block_count=BLOCKS, mount=False)
    system.mount()
    with system.open("file", "rb") as file:
        return file.read()


device, _ = made()
for block in range(BLOCKS):  # the one with data of the file in its middle
    if bytes(device.buffer[block * BLOCK + 2048 : block * BLOCK + 2064]) in DATA:
        device.bad_block = block
        break
data, error = outcome(lambda: read(device))
right = "yes" if data == DATA else "no"
print("a block that raises when read: %d bytes, right: %s, error: %s" % (len(data or b""), right, error))
device, system = made()
device.failing = "sync"
print("a sync that raises: error: %s" % outcome(lambda: write(system))[1])
device, system = made()
device.failing = "prog returns"
print("a program that returns -5: error: %s" % outcome(lambda: write(system))[1])
device, system = made()
device.failing = "prog"
print("a program that raises: error: %s" % outcome(lambda: write(system))[1])
PY

cat >"$work/expected" <<'TEXT'
a block that raises when read: 10240 bytes, right: no, error: none
a sync that raises: error: none
a program that returns -5: error: LittleFSError -5
a program that raises: error: LittleFSError -36
TEXT

for version in 0.12.0 0.19.0; do
  python3 -m venv "$work/venv-$version"
  "$work/venv-$version/bin/pip" install --quiet --disable-pip-version-check "littlefs-python==$version"
  "$work/venv-$version/bin/python" "$work/device.py" >"$work/seen" 2>"$work/noise"
  echo "littlefs-python $version:"
  cat "$work/seen"
  cmp -s "$work/seen" "$work/expected" || { echo "changed with $version"; cat "$work/noise"; exit 1; }
  grep -q "Exception ignored" "$work/noise" || { echo "the exceptions are no longer printed"; exit 1; }
done
