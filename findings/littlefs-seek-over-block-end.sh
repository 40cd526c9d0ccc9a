#!/usr/bin/env bash
# littlefs, a read after a seek: bytes of the wrong block, without an error.
#
# Guess: in a file that is open for reading, `seek` and `read` give the same bytes whatever was read before.
# Seen: when a read ends exactly at the end of a block, and the next one begins after a seek near the end of the
# following block, littlefs takes its cached bytes of the first block for those of the second. No error is reported. Of
# 8,292 pairs of reads in a file of 20,000 bytes (blocks of 4,096) three are wrong. The cache size plays no part.
# The bundled littlefs says only "2.x"; by package: littlefs-python 0.4.0 (2.4) is right, 0.5.0 (2.6), 0.7.1 (2.7),
# 0.12.0 (2.9) and 0.13.0 (2.10) are wrong, 0.13.3 (a later 2.10) and 0.19.0 (2.11) are right. MicroPython 1.25 bundles
# 2.8. A reader that goes back to the beginning of the file before each seek is not hit.
#
# Run on 2026-11-29 with CPython 3.11 on Linux; printed:
#   littlefs 2.9: wrong after reads that ended at [4096, 8188, 12276]
#   littlefs 2.11: wrong after reads that ended at []
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/seek.py" <<'PY'
import sys

import littlefs

BLOCK = 4096
fs = littlefs.LittleFS(block_size=BLOCK, block_count=64)
data = bytes((i * 7 + (i >> 8) * 13 + (i >> 12) * 101) & 255 for i in range(20000))
with fs.open("file", "wb") as file:
    file.write(data)
file = fs.open("file", "rb", buffering=0)
wrong = []
for end in range(BLOCK - 100, 3 * BLOCK):
    file.seek(end - 50)
    file.read(50)
    file.seek(end + BLOCK - 46)
    if file.read(20) != data[end + BLOCK - 46 : end + BLOCK - 26]:
        wrong.append(end)
print("littlefs %d.%d: wrong after reads that ended at %s" % (*littlefs.__LFS_VERSION__, wrong))
sys.exit(bool(wrong) != (sys.argv[1] == "wrong"))
PY

for pair in 0.12.0:wrong 0.19.0:right; do
    python3 -m venv "$work/${pair%:*}"
    "$work/${pair%:*}/bin/pip" install -q --disable-pip-version-check "littlefs-python==${pair%:*}"
    "$work/${pair%:*}/bin/python" "$work/seek.py" "${pair#*:}"
done
