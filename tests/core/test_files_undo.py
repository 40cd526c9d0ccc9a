"""`undo` brings back what docs/files.md says, after any sequence of put, rm, mv and undo, with its content."""

from lattice_core.errors import UsageError
from lattice_core.files import cid as cids
from lattice_core.files.entry import Entry
from support import Rng
from support.files import content, make_file
from support.nodes import CRYPTO, NOW_MS, reopened, share

NAMES = ("a", "b", "d/x", "d/y", "d/e/z")
DAY_MS = 86400000


class UndoModel:
    """What stood at each name, write by write: seeds of contents, None where there was no file."""

    def __init__(self):
        self.history = {}
        for name in NAMES:
            self.history[name] = [None]

    def now(self, name):
        return self.history[name][-1]

    def before(self, name):
        writes = self.history[name]
        return writes[-2] if len(writes) > 1 else None

    def write(self, name, seed):
        self.history[name].append(seed)

    def below(self, path):
        """The name itself, or the names of a folder that are files now."""
        if path in self.history:
            return [path] if self.now(path) is not None else []
        return [name for name in NAMES if name.startswith(path + "/") and self.now(name) is not None]

    def undoable(self, path):
        """[(name, seed)] that an undo brings back."""
        if path in self.history:
            names = [path]
        else:
            names = [name for name in NAMES if name.startswith(path + "/") and self.now(name) is None]
        return [(name, self.before(name)) for name in names if self.before(name) is not None]


def put(handle, model, name, seed, now_ms):
    if seed & 1:
        data = content(seed, 5000)
        make_file(handle, name, data, now_ms=now_ms)
    else:
        data = content(seed, 30)
        cid = cids.make(cids.RAW, CRYPTO.blake3_digest(data))
        handle.files.put_entry(name, Entry(name.split("/")[-1], 0o644, cid, now_ms, len(data), data), now_ms)
    if model.now(name) != seed:  # the same again is no write
        model.write(name, seed)


def remove(handle, model, path, now_ms):
    expected = model.below(path)
    assert attempt(handle.files.remove, path, now_ms) == (sorted(expected) or None)
    for name in expected:
        model.write(name, None)


def move(handle, model, source, target, now_ms):
    free = source != target and model.now(source) is not None and model.now(target) is None
    assert attempt(handle.files.move, source, target, now_ms) == ([(source, target)] if free else None)
    if free:
        model.write(target, model.now(source))
        model.write(source, None)


def undo(handle, model, path, now_ms):
    expected = model.undoable(path)
    assert attempt(handle.files.undo, path, now_ms) == (sorted([name for name, _ in expected]) or None), path
    for name, seed in expected:
        model.write(name, seed)


def attempt(function, *arguments):
    """What a command did, in order of names; None when there was nothing to do."""
    try:
        return sorted(function(*arguments))
    except UsageError:
        return None


def check(handle, model):
    shown = {}
    for file in handle.files.list():
        assert not file.conflicts, file.path
        assert handle.files.held(file), file.path
        shown[file.path] = b"".join(handle.files.read(file.entry))
    assert sorted(shown) == sorted([name for name in NAMES if model.now(name) is not None])
    for name, data in shown.items():
        seed = model.now(name)
        assert data == content(seed, 5000 if seed & 1 else 30), name


def run(seed, steps):
    node, _, data = share()
    model = UndoModel()
    rng = Rng(seed)
    now_ms = NOW_MS
    for _ in range(steps):
        now_ms += rng.below(3)
        action = rng.below(12)
        if action < 4:
            put(data, model, rng.choice(NAMES), 1 + rng.below(6), now_ms)
        elif action < 6:
            remove(data, model, rng.choice(NAMES + ("d", "d/e", "absent")), now_ms)
        elif action < 8:
            move(data, model, rng.choice(NAMES), rng.choice(NAMES), now_ms)
        elif action < 11:
            undo(data, model, rng.choice(NAMES + ("d", "d/e", "absent")), now_ms)
        else:
            now_ms += DAY_MS // 4  # far from the 30 days that dropped content is kept
            data.content.collect(now_ms)
        node.journal.commit(now_ms)
        check(data, model)
    node = reopened(node)
    check(node.tree.find("notes"), model)


def test_undo_brings_back_what_the_documentation_says():
    for seed in range(1, 5):
        run(seed, 30)


def test_undo_of_each_kind_of_write():
    node, _, data = share()
    model = UndoModel()
    put(data, model, "a", 1, NOW_MS)
    undo(data, model, "a", NOW_MS)  # before the first write there was nothing
    assert model.now("a") == 1
    put(data, model, "a", 3, NOW_MS)
    undo(data, model, "a", NOW_MS)
    assert model.now("a") == 1
    undo(data, model, "a", NOW_MS)
    assert model.now("a") == 3
    move(data, model, "a", "b", NOW_MS)
    undo(data, model, "a", NOW_MS)  # the old name comes back, the new one stays
    assert model.now("a") == model.now("b") == 3
    undo(data, model, "b", NOW_MS)
    assert model.now("b") == 3
    remove(data, model, "b", NOW_MS)
    undo(data, model, "b", NOW_MS)
    undo(data, model, "b", NOW_MS)  # a removal is not brought back
    assert model.now("b") == 3
    put(data, model, "d/x", 2, NOW_MS)
    put(data, model, "d/y", 5, NOW_MS)
    remove(data, model, "d", NOW_MS)
    put(data, model, "d/y", 4, NOW_MS)
    undo(data, model, "d", NOW_MS)  # what stands there now is not touched
    assert model.now("d/x") == 2
    assert model.now("d/y") == 4
    node.journal.commit(NOW_MS)
    check(data, model)
