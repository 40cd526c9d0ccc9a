#!/usr/bin/env python3
"""The main job as a story: files go from a laptop onto a stick, the stick is unplugged, a second node that has never
met the laptop joins at the stick and reads the files. Run by `make demo`; FILE=path brings a file or folder of yours:
what can be put of it is carried and compared, what cannot is named.

Every process runs in a network namespace without interfaces where the system permits that.
"""

import hashlib
import json
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import unicodedata

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from e2e.world import CommandFailed, Computer, EmulatedStick  # noqa: E402 (needs the path above)

ISOLATED = "LATTICE_DEMO_ISOLATED"
NAME = "carried"  # what FILE is called in the store: its own name may be one that no store takes
STICKS = {"4M": 2 << 20, "16M": 13 << 20}  # size of the flash -> what it surely takes
BYTES_A_FILE = 700  # of flash, beside the content
MOST_FILES = 5000  # names, in the memory of a stick
SHOWN = 10


def isolate():
    """Runs this script again where there is no network; returns only when that is not possible."""
    if os.environ.get(ISOLATED):
        return os.environ[ISOLATED] == "yes"
    for command in (["unshare", "--net"], ["unshare", "--map-root-user", "--net"]):
        if shutil.which("unshare") and not subprocess.call([*command, "true"], stderr=subprocess.DEVNULL):
            os.environ[ISOLATED] = "yes"
            os.execvp(command[0], [*command, sys.executable, *sys.argv])
    os.environ[ISOLATED] = "no"
    return False


def size_text(count):
    for unit in ("B", "KiB", "MiB"):
        if count < 1024 or unit == "MiB":
            return "%.0f %s" % (count, unit) if unit == "B" else "%.1f %s" % (count, unit)
        count /= 1024
    return None


def say(text):
    print(text, flush=True)


class Step:
    """Narrates one step with its time."""

    def __init__(self, text):
        self.text = text
        self.note = ""

    def __enter__(self):
        self.started = time.monotonic()
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            say("%-58s %6.1f s  %s" % (self.text, time.monotonic() - self.started, self.note))


def found_in(source):
    """{name as `put` has it: [sha256, …]} of the files in a folder; "" for a single file. Two files have one name when
    they differ in the form of their accents only. What cannot be read is not there."""
    found = {}
    if source.is_file():
        return {"": [fingerprint(source)]}
    for where, _, names in os.walk(source):
        for name in names:
            item = pathlib.Path(where, name)
            try:
                if item.is_symlink() or not item.is_file():
                    continue
                path = unicodedata.normalize("NFC", item.relative_to(source).as_posix())
                found.setdefault(path, []).append(fingerprint(item))
            except OSError:
                continue
    return found


def fingerprint(path):
    """SHA-256 of a file, up to the size that it has now."""
    total = hashlib.sha256()
    with open(path, "rb") as file:
        left = os.fstat(file.fileno()).st_size
        while left and (piece := file.read(min(left, 1 << 20))):
            total.update(piece)
            left -= len(piece)
    return total.hexdigest()


def size_of(source):
    """(files, bytes) of what may be carried, without reading it."""
    if source.is_file():
        return 1, source.stat().st_size
    count = total = 0
    for where, _, names in os.walk(source):
        for name in names:
            try:
                status = os.lstat(os.path.join(where, name))
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                count += 1
                total += status.st_size
    return count, total


def fitting_stick(source):
    """The size of a stick that takes all of it, said before anything is done; ends the demo when there is none."""
    count, total = size_of(source)
    needed = total + count * BYTES_A_FILE
    for size, room in STICKS.items():
        if needed <= room and count <= MOST_FILES:
            if size != "4M":
                say("%s in %d files: more than a flash of 4 MiB takes, so this one has 16" % (size_text(total), count))
            return size
    sys.exit(
        "%s holds %s in %d files; the largest stick here takes about %s in %d files. Name a smaller folder: make demo "
        "FILE=…" % (source, size_text(total), count, size_text(max(STICKS.values())), MOST_FILES)
    )


def one_hash(files):
    """SHA-256 over the names and hashes of files."""
    total = hashlib.sha256()
    for path, digest in sorted(files.items()):
        total.update(b"%d %s %s " % (len(path.encode()), path.encode(), digest.encode()))
    return total.hexdigest()


def put_all(laptop, source):
    """Puts FILE, whatever in it can be put. Returns the names below it that were, and what was left out."""
    result = laptop.attempt("file", "put", source, "--as", NAME, "--store", "notes", "--json")
    if result.returncode not in (0, 3):
        raise CommandFailed(["file", "put", str(source)], result)
    done = json.loads(result.stdout)
    return [row["path"][len(NAME) + 1 :] for row in done["files"]], done["skipped"]


def arrived_in(out, names):
    """{name: sha256} of what lies on the desktop's disk, which must be just what was put."""
    if not names:
        return {}
    return {path: hashes[0] for path, hashes in found_in(out).items()}


def sample(folder):
    """What the demo carries when no FILE is given: this project's own documents and a picture-sized file."""
    folder.mkdir()
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "README.md", folder / "README.md")
    (folder / "Grüße aus Zürich.txt").write_text("Viele Grüße!\n", encoding="utf-8")
    (folder / "empty").write_bytes(b"")
    binary = (ROOT / "build" / "emulator" / "micropython").read_bytes()
    (folder / "large.bin").write_bytes((binary * 4)[: 1024 * 1024])
    return folder


def moved(summary):
    return "%d intentions, %d blobs, %s" % (summary["intentions"], summary["blobs"], size_text(summary["bytes"]))


def carry(source, desk, size):
    """The story. Returns {name: sha256} of what left and of what arrived."""
    before = found_in(source)
    laptop = Computer(desk / "laptop", "laptop")
    with Step("laptop: a store, and files put into it") as step:
        laptop.run("store", "create", "notes")
        names, left_out = put_all(laptop, source)
        after = found_in(source)  # a file of a folder in use may have changed just now
        step.note = "%d files" % len(names)
    for row in left_out[:SHOWN]:
        say("  left out: %s: %s" % (ascii(row["path"]), row["reason"]))
    if len(left_out) > SHOWN:
        say("  … and %d more" % (len(left_out) - SHOWN))
    stick = EmulatedStick(desk / "stick.img", size).plug()
    try:
        with Step("stick: fresh, set up by the laptop"):
            laptop.run("stick", "setup", stick.port, "--store", "notes", "--name", "carrier")
        with Step("laptop: an invitation for whoever comes"):
            token = laptop.json("invite")["token"]
        with Step("laptop → stick") as step:
            step.note = moved(laptop.json("sync", stick.port)["sent"])
        flash = laptop.json("stick", "status", stick.port)["flash"]
        stick.pull()
        say("the stick is unplugged and carried away (%s of flash used)" % size_text(flash["used"]))
        stick.plug()
        desktop = Computer(desk / "desktop", "desktop")
        with Step("desktop: never met the laptop; joins at the stick") as step:
            step.note = moved(desktop.json("join", token, "--via", stick.port)["received"])
        if names:
            with Step("desktop: takes the files out"):
                desktop.run("file", "get", NAME, desk / "out", "--store", "notes")
    finally:
        stick.pull()
    arrived = arrived_in(desk / "out", names)
    sent = {}
    for name in names:
        hashes = before.get(name, []) + after.get(name, [])
        sent[name] = arrived[name] if arrived.get(name) in hashes else hashes[0] if hashes else "not there"
    return sent, arrived


def main():
    isolated = isolate()
    chosen = os.environ.get("FILE")
    say("Lattice Nano: laptop → stick → desktop; no network " + ("interface exists" if isolated else "is used"))
    with tempfile.TemporaryDirectory(prefix="lattice-demo-") as folder:
        desk = pathlib.Path(folder)
        source = pathlib.Path(chosen).resolve() if chosen else sample(desk / "holiday")
        if not source.exists():
            sys.exit("FILE=%s does not exist: name a file or a folder" % chosen)
        if not source.is_file() and not source.is_dir():
            sys.exit("FILE=%s is neither a file nor a folder" % chosen)
        size = fitting_stick(source)
        try:
            sent, received = carry(source, desk, size)
        except CommandFailed as error:
            sys.exit(str(error))
    say("left    sha256 %s" % one_hash(sent))
    say("arrived sha256 %s" % one_hash(received))
    if sent != received:
        differing = [name for name in {**sent, **received} if sent.get(name) != received.get(name)]
        sys.exit("%d files differ, %s among them: this must never happen" % (len(differing), ascii(differing[0])))
    say("the same, byte for byte: %d files" % len(sent) if sent else "there was nothing in it to carry")


if __name__ == "__main__":
    main()
