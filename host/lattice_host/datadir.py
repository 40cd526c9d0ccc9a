"""The data directory of one node: where it is, its identity, the ports at which sticks were seen.

identity.key   32-byte Ed25519 seed, mode 0600, written once
config.json    {"sticks": {id hex: {"name": …, "port": …}}}
node.db        everything else (storage/)
lock           held while a process writes (lock.py)
activity.json  how far a sync that runs has come (service/activity.py)
"""

import errno
import json
import os
import pathlib
import secrets
import tempfile

import platformdirs

from lattice_core.errors import StorageError, UsageError

from .storage.schema import APPLICATION_ID

ENVIRONMENT = "LATTICE_DATA"
SEED_BYTES = 32
_IDENTITY = "identity.key"
_DATABASE = "node.db"
_CONFIG = "config.json"
LOCK = "lock"
ACTIVITY = "activity.json"
_APPLICATION_ID_AT = 68  # in the header of an SQLite file
_HEADER_BYTES = 72
_JSON_BYTES = 1 << 20
_NOTED = ("name", "port")  # of a stick
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700


def chosen_path(option=None):
    """The directory of `--data`, else of LATTICE_DATA, else the platform's place for it. UsageError when the one that
    counts is empty: a script's variable that was not set would else mean the folder it happens to run in."""
    chosen = option
    for name, value in (("--data", option), (ENVIRONMENT, os.environ.get(ENVIRONMENT))):
        if value is not None:
            if not str(value).strip():
                raise UsageError(
                    "%s is empty: name the data directory of a node, or leave %s out" % (name, name), "no_node"
                )
            chosen = value
            break
    if chosen is None:
        chosen = platformdirs.user_data_dir("lattice-nano", appauthor=False)
    try:
        return pathlib.Path(chosen).expanduser().absolute()
    except RuntimeError as error:  # ~nobody/
        raise UsageError("%s: %s" % (chosen, error)) from error


class DataDir:
    """Creates the directory when it is absent; without `make` that is a UsageError, and so is one that holds no node.
    StorageError in words when it cannot be used."""

    def __init__(self, path, make=True):
        self.path = pathlib.Path(path)
        if not make:
            self._check_node()
        try:
            self.path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                "the data directory %s cannot be created (%s); choose another with --data"
                % (self.path, error.strerror),
                "no_access",
            ) from error
        self._make_private()
        self.database = self.path / _DATABASE
        self.lock = self.path / LOCK
        self._identity = self.path / _IDENTITY
        self.identity_is_new = False  # drawn by this object: nothing was ever written under it
        self._config = self.path / _CONFIG

    def _check_node(self):
        """A mistyped directory gets no new identity."""
        try:
            found = any((self.path / name).exists() for name in (_IDENTITY, "node.db"))
        except OSError as error:
            raise StorageError(
                "the data directory %s cannot be read (%s)" % (self.path, error.strerror), "no_access"
            ) from error
        if not found:
            raise UsageError(
                "no node in %s: choose its data directory with --data or %s, or make one there with `init`"
                % (self.path, ENVIRONMENT),
                "no_node",
            )

    def _make_private(self):
        """A directory that was there before is closed to others, too, when nothing else is kept in it."""
        try:
            ours = not any(self.path.iterdir()) or (self.path / _IDENTITY).exists()
            if ours and self.path.stat().st_mode & 0o077:
                self.path.chmod(_PRIVATE_FOLDER)
        except OSError as error:
            if error.errno == errno.EROFS:
                return
            raise StorageError(
                "the data directory %s cannot be read or closed to others (%s); choose another with --data"
                % (self.path, error.strerror),
                "no_access",
            ) from error

    # -- identity -------------------------------------------------------------------------------------------

    def seed(self):
        """The node's seed; drawn and stored at first use."""
        try:
            with self._identity.open("rb") as file:
                seed = file.read(_JSON_BYTES)
        except FileNotFoundError:
            return self._new_seed()
        except OSError as error:
            raise StorageError(
                "the identity %s cannot be read (%s); is this another user's data directory?"
                % (self._identity, error.strerror),
                "no_access",
            ) from error
        if len(seed) != SEED_BYTES:
            raise StorageError(
                "%s has %d bytes and not %d: it is damaged. Restore it from a backup; without it this node "
                "cannot write under its name again" % (self._identity, len(seed), SEED_BYTES),
                "damaged",
            )
        return seed

    def _new_seed(self):
        if self.database.exists():
            raise StorageError(
                "%s is missing, but there is data beside it. Restore it from a backup, or move %s away to begin anew"
                % (self._identity, self.path),
                "damaged",
            )
        seed = secrets.token_bytes(SEED_BYTES)
        write_atomically(self._identity, seed)
        self.identity_is_new = True
        return seed

    def take_back(self):
        """Removes the node that this object has made, which was used for nothing. The lock stays: others may wait at
        it."""
        if self.identity_is_new:
            for name in (*[_DATABASE + end for end in ("-wal", "-shm", "")], _CONFIG, ACTIVITY, _IDENTITY):
                (self.path / name).unlink(missing_ok=True)

    # -- sticks -----------------------------------------------------------------------------------------------

    def config(self):
        """{"sticks": {id: {…}}}. Only where sticks were seen: what is damaged is as if it had not been noted."""
        try:
            config = read_json(self._config)
        except StorageError:
            config = None
        sticks = config.get("sticks") if isinstance(config, dict) else None
        found = {}
        for stick_id, noted in sticks.items() if isinstance(sticks, dict) else ():
            if isinstance(noted, dict):
                found[stick_id] = {name: noted[name] for name in _NOTED if _is_text(noted.get(name))}
        return {"sticks": found}

    def save_config(self, config):
        text = json.dumps(config, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_atomically(self._config, text.encode())

    def known_ports(self):
        """Where sticks were seen, for `auto`."""
        return [stick["port"] for stick in self.config()["sticks"].values() if "port" in stick]

    def forget_stick(self, stick_id):
        config = self.config()
        if config["sticks"].pop(stick_id, None) is not None:
            self.save_config(config)

    def remember_stick(self, stick_id, **details):
        """Notes what is known of a stick; details given before stay."""
        config = self.config()
        stick = config["sticks"].setdefault(stick_id, {})
        if not details.items() <= stick.items():
            stick.update(details)
            self.save_config(config)


def read_json(path):
    """What a small file of ours holds. StorageError when there is none, or it is no JSON."""
    try:
        with open(path, "rb") as file:
            data = file.read(_JSON_BYTES + 1)
        if len(data) > _JSON_BYTES:
            raise ValueError("it is larger than any that is written here")
        return json.loads(data.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise StorageError("%s cannot be read (%s)" % (path, error), "no_access") from error


def _is_text(value):
    return isinstance(value, str) and "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


def is_data_directory(folder):
    """True when a folder is the data directory of any node. What may not be looked at is none."""
    folder = pathlib.Path(folder)
    try:
        with (folder / _DATABASE).open("rb") as file:
            if file.read(_HEADER_BYTES)[_APPLICATION_ID_AT:] == APPLICATION_ID.to_bytes(4, "big"):
                return True
    except OSError:
        pass
    return is_seed(folder / _IDENTITY) and any(os.path.lexists(folder / name) for name in (_DATABASE, _CONFIG, LOCK))


def node_above(folder):
    """The data directory of a node that a folder is, or lies in; None when there is none. Links are followed."""
    folder = pathlib.Path(os.path.realpath(folder))
    return next((above for above in (folder, *folder.parents) if is_data_directory(above)), None)


def is_seed(path):
    """True when a file is called and as long as the secret of a node."""
    try:
        return os.path.basename(path) == _IDENTITY and os.stat(path).st_size == SEED_BYTES
    except OSError:
        return False


def belongs_to_node(path):
    """True when a file is one of those that a node keeps in its data directory."""
    name = os.path.basename(path).lstrip(".")
    own = name == LOCK or name.startswith((ACTIVITY, _IDENTITY, _DATABASE, _CONFIG))
    return own and is_data_directory(os.path.dirname(os.path.abspath(path)))


def write_atomically(path, data, mode=_PRIVATE_FILE):
    """Temporary name, fsync, rename, fsync of the folder: the file is whole or absent. StorageError in words."""
    folder = path.parent
    try:
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".%s." % path.name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError:
            os.unlink(temporary)
            raise
        sync_folder(folder)
    except OSError as error:
        raise StorageError("%s cannot be written (%s)" % (path, error.strerror), "no_access") from error


def sync_folder(folder):
    """Makes a rename in the folder durable, where the file system can do that."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
    finally:
        os.close(descriptor)
