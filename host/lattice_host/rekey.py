"""A new identity in the place of one that must not write any more, without losing what only this data has.

    old data                         rekey/                          rekey.json: "step"
    is read, and stays as it is      new identity, joins the share,  begun
                                     and is given what is missing
    goes to `aside`, file by file    comes in its place              swapping
    a data directory like any other  —                               swapped, then it is removed

Each step is durable before the next begins, and each can be begun again: an interruption anywhere leaves either the old
node or the new one, and the same command goes on. `reached` is called between the steps, for tests.
"""

import json
import os
import re
import shutil

from lattice_core.errors import StorageError

from .datadir import DataDir, read_json, sync_folder, write_atomically

BEGUN = "begun"
SWAPPING = "swapping"
SWAPPED = "swapped"  # there may still be stores to be brought over
JOURNAL = "rekey.json"
_STAGE = "rekey"
_ASIDE = re.compile("old-[0-9a-f]{8}(-[0-9]+)?")
_FILES = ("node.db-wal", "node.db-shm", "node.db", "identity.key")  # the identity last: with it a directory is whole


def reached(step):
    """Every step is named here once it is durable."""


class Rekey:
    """The journal in the data directory `path`: which identity is given up, and where its data goes."""

    def __init__(self, path):
        self.path = path
        self._values = _read(path)

    @property
    def step(self):
        return self._values.get("step")

    @property
    def old(self):
        return self._values["old"]

    @property
    def aside(self):
        return self.path / self._values["aside"]

    @property
    def stage(self):
        return self.path / _STAGE

    def swapped(self):
        return self.step == SWAPPED

    @property
    def joined(self):
        """True once the new identity is in a share: it needs no other invite for that."""
        return self.swapped() or bool(self._values.get("joined"))

    def note_joined(self):
        if not self.joined:
            self._write(joined=True)

    def abandon(self):
        """Takes back `begin`; nothing was done with the new identity that anybody would miss."""
        before = self._values.get("before")
        shutil.rmtree(self.stage, ignore_errors=True)
        self._values = {}
        if before:
            self._write(**before)
        else:
            (self.path / JOURNAL).unlink(missing_ok=True)
            sync_folder(self.path)

    def unfinished(self):
        """What is left to do, in words, or None."""
        if self.step == BEGUN:
            return "not everything is brought over yet" if self.joined else "it has not joined yet"
        return "stores of %s are still to be brought over" % self.aside if self.step == SWAPPED else None

    def begin(self, old_id):
        """Where the old data will go is chosen once; the new identity is drawn after that is durable."""
        aside, number = "old-" + old_id[:8], 2
        while (self.path / aside).exists():
            aside, number = "old-%s-%d" % (old_id[:8], number), number + 1
        self._values = {"before": {name: self._values[name] for name in self._values if name != "before"}}
        self._write(step=BEGUN, old=old_id, aside=aside)
        reached("journal")
        DataDir(self.stage).seed()
        reached("identity")

    def swap(self):
        """Puts the new data in the place of the old; both databases are closed."""
        self._write(step=SWAPPING)
        reached("swapping")
        finish_swap(self.path)
        self._values = _read(self.path)

    def end(self):
        """There is nothing more to go on with, so nothing that could be damaged stays."""
        self._values = {}
        try:
            (self.path / JOURNAL).unlink()
            sync_folder(self.path)
        except OSError as error:
            raise StorageError(
                "%s cannot be removed (%s)" % (self.path / JOURNAL, error.strerror), "no_access"
            ) from error
        reached("done")

    def _write(self, **changes):
        self._values.update(changes)
        write_atomically(self.path / JOURNAL, json.dumps(self._values, indent=2).encode())


def finish_swap(path):
    """Goes on with a swap that was interrupted; nothing else happens to a data directory in the middle of one."""
    values = _read(path)
    if values.get("step") != SWAPPING:
        return
    aside, stage = path / values["aside"], path / _STAGE
    try:
        aside.mkdir(mode=0o700, exist_ok=True)
        if not (aside / "identity.key").exists():
            _move(path, aside)
        if stage.exists():
            _move(stage, path)
            config = path / "config.json"
            if config.exists():
                shutil.copyfile(config, aside / "config.json")
                reached("config")
            shutil.rmtree(stage)
            sync_folder(path)
            reached("stage gone")
    except OSError as error:
        raise StorageError(
            "%s: the new identity cannot be put in its place (%s); when that is mended, any command goes on with it"
            % (path, error.strerror),
            "no_access",
        ) from error
    values["step"] = SWAPPED
    write_atomically(path / JOURNAL, json.dumps(values, indent=2).encode())
    reached("swapped")


def _move(source, target):
    for name in _FILES:
        if (source / name).exists():
            os.replace(source / name, target / name)
            sync_folder(target)
            sync_folder(source)
            reached("moved " + name)


def _read(path):
    """What the journal says. One that is damaged holds nothing where one whole identity is in its place and no other
    is on its way; else StorageError with the way out."""
    journal = path / JOURNAL
    if not journal.exists():
        return {}
    try:
        values = read_json(journal)
        if _is_journal(values):
            return values
        reason = "it is no note of a change of identity"
    except StorageError as error:
        reason = str(error)
    stage, asides = path / _STAGE, sorted(item.name for item in path.glob("old-*") if _ASIDE.fullmatch(item.name))
    if not stage.exists():
        return _settled(path, asides)
    half = [name for name in asides if not (path / name / "identity.key").exists()]
    if (path / "identity.key").exists() and (path / "node.db").exists() and not half:
        raise StorageError(
            "%s is damaged (%s). The old identity is whole and in its place: delete %s and the folder %s, then begin "
            "`node rekey` again with a new invite" % (journal, reason, journal, stage),
            "damaged",
        )
    newest = max(half or asides, key=lambda name: (path / name).stat().st_mtime, default="old-…")
    raise StorageError(
        "%s is damaged (%s), and the new identity is on its way from %s to its place. Write this into the file, any "
        "command goes on: %s" % (journal, reason, stage, json.dumps({"step": SWAPPING, "old": "", "aside": newest})),
        "damaged",
    )


def _is_journal(values):
    return (
        isinstance(values, dict)
        and values.get("step") in (BEGUN, SWAPPING, SWAPPED)
        and isinstance(values.get("old"), str)
        and isinstance(values.get("aside"), str)
        and _ASIDE.fullmatch(values["aside"]) is not None
    )


def _settled(path, asides):
    """The identity in its place is whole. What was put aside last is looked through again: that finds what is missing,
    and does nothing when nothing is."""
    whole = [name for name in asides if (path / name / "identity.key").exists()]
    if not whole:
        return {}
    newest = max(whole, key=lambda name: (path / name).stat().st_mtime)
    return {"step": SWAPPED, "old": "", "aside": newest}
