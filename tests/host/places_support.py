"""A person with a folder of their own, who puts and gets."""

from lattice_host import files as transfer
from lattice_host.places import Places
from support.nodes import NOW_MS


class Person:
    """A node with its memory, and a folder on the disk that is called `d` in the store."""

    def __init__(self, node, folder):
        self.node = node
        self.files = node.tree.find("notes").files
        self.places = Places()
        self.folder = folder
        self.now_ms = NOW_MS
        folder.parent.mkdir(exist_ok=True)

    def put(self, source=None, name="d", **more):
        self.now_ms += 1000
        return transfer.put(self.files, source or self.folder, name, self.now_ms, places=self.places, **more)

    def get(self, name="d", into=None, **more):
        return transfer.get(self.files, name, into or self.folder.parent, places=self.places, **more)

    def write(self, name, text):
        where = self.folder / name
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_text(text)
        return where

    def here(self):
        """{name: text} on the disk."""
        return {
            item.relative_to(self.folder).as_posix(): item.read_text()
            for item in self.folder.rglob("*")
            if item.is_file()
        }

    def stored(self):
        """{name: text} in the store, conflict copies by their names."""
        found = {}
        for file in self.files.list("d"):
            if file.entry is not None:
                found[file.path[2:]] = text_of(self.files, file.entry)
            for version in file.conflicts:
                found[file.conflict_path(version)[2:]] = text_of(self.files, version.entry)
        return found

    def copy_name(self, path="d/a"):
        file = self.files.get(path)
        (version,) = file.conflicts
        return file.conflict_path(version)


def text_of(files, entry):
    return b"".join(files.read(entry)).decode()
