"""Random histories of people with a folder each: whatever they do, nobody undoes unseen what somebody else wrote, a get
destroys nothing that is not in the store, and all end with the same files.

`LATTICE_CAMPAIGN=N` runs that many histories (`make campaign-places`), else a sample.
"""

import os
import random
import shutil

import pytest

from host.places_support import Person, text_of
from lattice_core.errors import UsageError
from lattice_host import copies
from lattice_host import files as transfer
from support.nodes import NOW_MS, join, make_node, meet, share

NAMES = ("a", "b", "x", "x/y", "x/z", "caf\u00e9", "cafe\u0301")
HISTORIES = int(os.environ.get("LATTICE_CAMPAIGN", "24"))
STEPS = 40


class RandomPeople:
    def __init__(self, seed, folder):
        self.rng = random.Random(seed)
        self.number = 0
        anna = share()[0]
        nodes = [anna]
        for number, name in ((2, "ben"), (3, "carol")):
            nodes.append(make_node(number, name))
            join(nodes[-1], anna, anna.invites.create(anna.tree.find_root(), NOW_MS))
        self.people = [Person(node, folder / str(at) / "d") for at, node in enumerate(nodes)]
        for person in self.people:
            person.folder.mkdir()
            person.had = set()
        self.put_ever = set()
        self.now_ms = NOW_MS

    def step(self):
        person = self.rng.choice(self.people)
        self.now_ms += self.rng.randrange(3) * 1000
        person.now_ms = max(person.now_ms, self.now_ms)
        actions = [self.edit, self.edit, self.edit, self.put, self.put, self.get, self.meet, self.meet]
        actions += [self.delete, self.remove, self.undo, self.settle]
        self.rng.choice(actions)(person)
        person.had |= set(person.here().values())

    def edit(self, person):
        where = person.folder / self.rng.choice(NAMES)
        self.number += 1
        try:
            if where.is_dir():
                shutil.rmtree(where)
            if where.parent.is_file():
                where.parent.unlink()
            where.parent.mkdir(exist_ok=True)
        except OSError:
            return
        where.write_text("text %d" % self.number)

    def delete(self, person):
        where = person.folder / self.rng.choice(NAMES)
        if where.is_file():
            where.unlink()

    def put(self, person):
        before = standing(person)
        own = standing(person, own=True)  # what this person brought back by an undo, say, is no surprise
        result = person.put()
        after = standing(person)
        assert before - after <= person.had | own, "what was never on this disk was replaced"
        assert person.put().written == 0
        self.put_ever |= after
        lost = set(person.here().values()) - self.put_ever
        assert not lost or result.skipped, "what is on the disk is in the store, or named"

    def get(self, person):
        before = set(person.here().values())
        try:
            result = person.get()
        except UsageError:
            assert not standing(person)
            return
        after = set(person.here().values())
        assert before - after <= self.put_ever, "a get destroyed what no store has"
        if not result.problems:
            assert standing(person) <= after
        again = person.get()
        assert again.written == []
        assert again.conflict_copies == []
        assert again.problems == result.problems

    def meet(self, person):
        meet(person.node, self.rng.choice([other for other in self.people if other is not person]).node, self.now_ms)

    def remove(self, person):
        self._try(copies.remove, person, self._some_name(person))

    def undo(self, person):
        self._try(copies.undo, person, self._some_name(person))

    def settle(self, person):
        """Puts one conflict copy that lies on the disk."""
        lying = [name for name in sorted(person.here()) if copies.is_copy_name(name)]
        if lying:
            name = self.rng.choice(lying)
            self.put_ever.add((person.folder / name).read_text())
            try:
                person.put(person.folder / name, "d/" + name)
            except UsageError:
                return

    def _some_name(self, person):
        return self.rng.choice(["d/" + name for name in sorted(person.stored())] or ["d/a"])

    def _try(self, act, person, name):
        try:
            act(person.files, name, person.now_ms)
        except UsageError:
            return
        person.node.journal.commit(person.now_ms)

    def end(self, folder):
        for _ in range(2):
            for person in self.people:
                for other in self.people:
                    if other is not person:
                        meet(person.node, other.node, self.now_ms)
        stored = [person.stored() for person in self.people]
        assert stored[0] == stored[1] == stored[2]
        for at, person in enumerate(self.people):
            if stored[0]:
                fresh = folder / ("fresh-%d" % at)
                assert transfer.get(person.files, "d", fresh).problems == []
                shown = {
                    path.relative_to(fresh).as_posix(): path.read_text() for path in fresh.rglob("*") if path.is_file()
                }
                assert sorted(shown.values()) == sorted(stored[0].values())
                assert at == 0 or shown == self.first
                self.first = shown


def standing(person, own=False):
    """The contents that stand in the store, of winners and of conflict copies; with `own` those this person wrote."""
    found = set()
    for file in person.files.list("d"):
        for version in file.versions:
            if version.entry is not None and (not own or version.author == person.node.identity.public):
                found.add(text_of(person.files, version.entry))
    return found


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_nobody_undoes_what_somebody_else_wrote(tmp_path, seed):
    world = RandomPeople(seed, tmp_path)
    for _ in range(STEPS):
        world.step()
    world.end(tmp_path)
