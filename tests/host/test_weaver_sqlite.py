"""The properties of weaver and tables on SQLite."""

import atexit
import shutil
import tempfile

from lattice_host.storage import SqliteStorage
from support import weaver_suite

_FOLDER = tempfile.mkdtemp(prefix="lattice-weaver-")
atexit.register(shutil.rmtree, _FOLDER, True)
_made = []


def make():
    storage = SqliteStorage("%s/%d.db" % (_FOLDER, len(_made)))
    _made.append(storage)
    return storage


def reopen(storage):
    storage.close()
    return SqliteStorage(storage.path)


weaver_suite.install(globals(), make, reopen)
