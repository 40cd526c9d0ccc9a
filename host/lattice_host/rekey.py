"""A new identity in the place of one that must not write any more, without losing what only this data has.

    old data                         rekey/                          rekey.json: "step"
    is read, and stays as it is      new identity, joins the share,  begun
                                     and is given what is missing
    goes to `aside`, file by file    comes in its place              swapping
    a data directory like any other  —                               swapped, then done

Each step is durable before the next begins, and each can be begun again: an interruption anywhere leaves either the old
node or the new one, and the same command goes on. `reached` is called between the steps, for tests.
"""

import json
import os
import shutil

from lattice_core.errors import StorageError

from .datadir import DataDir, sync_folder, write_atomically

BEGUN = "begun"
SWAPPING = "swapping"
SWAPPED = "swapped"  # there may still be stores to be brought over
DONE = "done"
JOURNAL = "rekey.json"
_STAGE = "rekey"
_FILES = ("node.db-wal", "node.db-shm", "node.db", "identity.key")  # the identity last: with it a directory is whole


def reached(step):
    """Every step is named here once it is durable."""


class Rekey:
    """The journal in the data directory `path`: which identity is given up, and where its data goes."""

    def __init__(self, path):
        self.path = path
        self._values = _read(path / JOURNAL)

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
        return self.step in (SWAPPED, DONE)

    def unfinished(self):
        """What is left to do, in words, or None."""
        if self.step == BEGUN:
            return "it has not joined yet, or not brought everything over"
        return "stores of %s are still to be brought over" % self.aside if self.step == SWAPPED else None

    def begin(self, old_id):
        """Where the old data will go is chosen once; the new identity is drawn after that is durable."""
        aside, number = "old-" + old_id[:8], 2
        while (self.path / aside).exists():
            aside, number = "old-%s-%d" % (old_id[:8], number), number + 1
        self._write(step=BEGUN, old=old_id, aside=aside)
        reached("journal")
        DataDir(self.stage).seed()
        reached("identity")

    def swap(self):
        """Puts the new data in the place of the old; both databases are closed."""
        self._write(step=SWAPPING)
        reached("swapping")
        finish_swap(self.path)
        self._values = _read(self.path / JOURNAL)

    def end(self):
        self._write(step=DONE)
        reached("done")

    def _write(self, **changes):
        self._values.update(changes)
        write_atomically(self.path / JOURNAL, json.dumps(self._values, indent=2).encode())


def finish_swap(path):
    """Goes on with a swap that was interrupted; nothing else happens to a data directory in the middle of one."""
    values = _read(path / JOURNAL)
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
            % (path, error.strerror)
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


def _read(journal):
    try:
        return json.loads(journal.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError("%s cannot be read (%s)" % (journal, error)) from error
