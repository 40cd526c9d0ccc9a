#!/usr/bin/env bash
# littlefs: a file that is renamed while it is open for writing loses what is written from then on, and says nothing.
#
# Guess: the open handle goes on with the file under its new name, as on a POSIX system, or the rename or the close is
# refused.
# Seen: rename, write and close all succeed, in the same folder and into another one. The file under its new name holds
# what was synced before the rename and nothing else. One that was never synced is empty. So a temporary file is closed
# before it gets its name, and a file that is written for long is not renamed.
#
# Run on 2026-11-30 with CPython 3.11 on Linux, littlefs-python 0.12.0 (littlefs 2.9) and 0.19.0 (2.11); both printed:
#   in the same folder: closed without an error; 100 of 300 bytes
#   into another folder: closed without an error; 100 of 300 bytes
#
# Exit status 1 when any of this has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/renames.py" <<'PY'
import littlefs

for where, new_name in (("in the same folder", "new"), ("into another folder", "folder/new")):
    system = littlefs.LittleFS(block_size=4096, block_count=32)
    system.mkdir("folder")
    with system.open("old", "wb", buffering=0) as file:
        file.write(b"a" * 100)
    file = system.open("old", "ab", buffering=0)
    file.write(b"b" * 100)
    system.rename("old", new_name)
    file.write(b"c" * 100)
    try:
        file.close()
        ended = "closed without an error"
    except littlefs.LittleFSError as error:
        ended = "close failed with %d" % error.code
    with system.open(new_name, "rb") as file:
        print("%s: %s; %d of 300 bytes" % (where, ended, len(file.read())))
PY

cat >"$work/expected" <<'TEXT'
in the same folder: closed without an error; 100 of 300 bytes
into another folder: closed without an error; 100 of 300 bytes
TEXT

for version in 0.12.0 0.19.0; do
  python3 -m venv "$work/venv-$version"
  "$work/venv-$version/bin/pip" install --quiet --disable-pip-version-check "littlefs-python==$version"
  "$work/venv-$version/bin/python" "$work/renames.py" >"$work/seen"
  echo "littlefs-python $version:"
  cat "$work/seen"
  cmp -s "$work/seen" "$work/expected" || { echo "changed with $version"; exit 1; }
done
