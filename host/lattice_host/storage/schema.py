"""The tables of a node's database, and which versions of them this program reads.

Integer keys inside, so that a hash of 32 bytes stands once per index. `intention` is one row from arrival on;
witnessing fills in its place. `sequence` and `position` are 0 while it floats.
"""

from lattice_core.errors import StorageError

APPLICATION_ID = 0x4C4E414E  # "LNAN": tells our file from any other SQLite database
VERSION = 5
PAGE_BYTES = 8192  # measured, docs/decisions.md "Host storage"

# What is remembered of files on disks (places.py). `heads`: hashes, one after the other; `disk`: which one it is.
PLACE = """CREATE TABLE place (folder BLOB, name BLOB, store BLOB, path TEXT, disk BLOB NOT NULL, heads BLOB NOT NULL,
   cid BLOB NOT NULL, content BLOB NOT NULL, mode INTEGER NOT NULL, stamp TEXT NOT NULL, copy INTEGER NOT NULL,
   PRIMARY KEY (folder, name, store, path, disk)) WITHOUT ROWID"""

_TABLES = (
    "CREATE TABLE record (name BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    # first, floor: where the log begins, and the greatest stamp of what was let go (nothing is, as yet)
    """CREATE TABLE store (n INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, count INTEGER NOT NULL, head BLOB NOT NULL,
       first INTEGER NOT NULL DEFAULT 1, floor INTEGER NOT NULL DEFAULT 0)""",
    # length, tip: the author's witnessed chain; newest: sequence of the tip; base: the last position that was let go
    """CREATE TABLE author (store INTEGER, n INTEGER, key BLOB NOT NULL, length INTEGER NOT NULL,
       tip BLOB NOT NULL, newest INTEGER NOT NULL, base INTEGER NOT NULL DEFAULT 0,
       base_hash BLOB NOT NULL DEFAULT (zeroblob(32)), base_stamp INTEGER NOT NULL DEFAULT 0,
       PRIMARY KEY (store, n)) WITHOUT ROWID""",
    # mask: of an intention that is kept where the log around it was let go, the rows in which it stands
    """CREATE TABLE intention (n INTEGER PRIMARY KEY, store INTEGER NOT NULL, hash BLOB NOT NULL,
       sequence INTEGER NOT NULL, author INTEGER NOT NULL, position INTEGER NOT NULL, wall_ms INTEGER NOT NULL,
       head BLOB, mask BLOB, signature BLOB NOT NULL, body BLOB NOT NULL)""",
    "CREATE INDEX intention_by_hash ON intention (store, hash, sequence)",
    "CREATE INDEX intention_by_sequence ON intention (store, sequence)",
    "CREATE INDEX intention_by_chain ON intention (store, author, position)",
    # value: with a sum behind it, see mending.py
    """CREATE TABLE state (store INTEGER, kind INTEGER, key BLOB, value BLOB NOT NULL,
       PRIMARY KEY (store, kind, key)) WITHOUT ROWID""",
    """CREATE TABLE blob (n INTEGER PRIMARY KEY, store INTEGER NOT NULL, hash BLOB NOT NULL,
       size INTEGER NOT NULL, bytes BLOB NOT NULL)""",
    "CREATE UNIQUE INDEX blob_by_hash ON blob (store, hash, size)",
    # sums over the witnessed hashes that start with a hex prefix, see fingerprints.py
    """CREATE TABLE fingerprint (store INTEGER, depth INTEGER, prefix TEXT, count INTEGER NOT NULL,
       sum BLOB NOT NULL, split INTEGER NOT NULL, PRIMARY KEY (store, depth, prefix)) WITHOUT ROWID""",
    # the rows of `state` that this node has won, see own_rows.py; owner: its key
    "CREATE TABLE owner (key BLOB NOT NULL)",
    """CREATE TABLE own (store INTEGER, key BLOB, is_file INTEGER NOT NULL, rank BLOB NOT NULL, live INTEGER NOT NULL,
       PRIMARY KEY (store, key)) WITHOUT ROWID""",
    "CREATE INDEX own_by_rank ON own (store, is_file, rank, live)",
    # the first and the last wall time of the witness logs in each month (of 30 days), see clock.py
    "CREATE TABLE stamped (month INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL)",
    PLACE,
)


def prepare(database):
    """Creates the tables in an empty file, checks an existing one. StorageError in words."""
    application_id = database.one("PRAGMA application_id")[0]
    version = database.one("PRAGMA user_version")[0]
    if (application_id, version) == (0, 0) and database.one("SELECT count(*) FROM sqlite_schema")[0] == 0:
        if database.read_only:
            raise StorageError("%s is empty: it is just being made, or was lost" % database.path)
        _create(database)
        return
    if application_id != APPLICATION_ID:
        raise StorageError(
            "%s is not a Lattice database (application id %08x); choose another data directory"
            % (database.path, application_id),
            "not_a_database",
        )
    if version > VERSION:
        raise StorageError(
            "%s was written by a newer lattice-host (format %d, this one knows %d); update lattice-host"
            % (database.path, version, VERSION),
            "newer_format",
        )
    if version < VERSION:
        raise StorageError("%s has the unknown format %d; it may be damaged" % (database.path, version), "damaged")


def _create(database):
    database.begin()
    for statement in _TABLES:
        database.run(statement)
    database.run("PRAGMA application_id = %d" % APPLICATION_ID)
    database.run("PRAGMA user_version = %d" % VERSION)
    database.commit()
