#!/usr/bin/env bash
# littlefs, many small syncs of one file: an erase each, depending on the moment at which the file was opened.
#
# Guess: a sync appends to the metadata block of the file's folder, and a block is erased when that is full: with pages of
# 256 bytes and blocks of 4,096 about every 15th sync, for as long as the file is open.
# Seen: when the metadata block is full to its last page at the moment the file is opened, every sync through that
# handle erases a block, until the file is closed: 60 erases for 60 syncs instead of 3 or 4. The handle remembers from
# its opening that nothing can be appended, and the compaction that makes room does not change that. Of 34 moments, one
# commit apart, 2 are such. Opening the file again (at another moment) ends it.
# By package: littlefs-python 0.12.0 (2.9) and 0.19.0 (2.11, the newest) alike; MicroPython 1.25 bundles 2.8.
#
# Run on 2026-11-29 with CPython 3.11 on Linux; printed:
#   littlefs 2.9: 60 erases for 60 syncs when opened after [14, 30] commits, else at most 4
#   littlefs 2.11: 60 erases for 60 syncs when opened after [14, 30] commits, else at most 4
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/syncs.py" <<'PY'
import sys

import littlefs

SYNCS = 60


class Counting(littlefs.UserContext):
    erases = 0

    def erase(self, cfg, block):
        self.erases += 1
        return super().erase(cfg, block)


def erases(commits_before):
    chip = Counting(4096 * 256)
    fs = littlefs.LittleFS(
        context=chip, block_size=4096, block_count=256, read_size=32, prog_size=256, cache_size=1024,
        lookahead_size=128, block_cycles=100, mount=False,
    )
    fs.format()
    fs.mount()
    fs.mkdir("/folder")
    with fs.open("/folder/other", "wb", buffering=0) as other:
        for _ in range(commits_before):
            other.write(b"x")
            other.flush()
    log = fs.open("/folder/log", "wb", buffering=0)
    before = chip.erases
    for _ in range(SYNCS):
        log.write(b"y")
        log.flush()
    return chip.erases - before


found = [erases(commits) for commits in range(34)]
each = [commits for commits in range(34) if found[commits] == SYNCS]
rest = max(count for count in found if count != SYNCS)
print(
    "littlefs %d.%d: %d erases for %d syncs when opened after %s commits, else at most %d"
    % (*littlefs.__LFS_VERSION__, SYNCS, SYNCS, each, rest)
)
sys.exit(not each or rest > 5)
PY

for version in 0.12.0 0.19.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/pip" install -q --disable-pip-version-check "littlefs-python==$version"
    "$work/$version/bin/python" "$work/syncs.py"
done
