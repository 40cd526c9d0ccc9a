"""What the memory of places is for: two people with a folder each never undo what the other one changed."""

import os
import unicodedata

import pytest

from host.places_support import Person, text_of
from lattice_core.errors import UsageError
from lattice_host import copies
from lattice_host import files as transfer
from lattice_host.places import Known
from support.nodes import NOW_MS, join, make_node, meet, share


@pytest.fixture
def anna(tmp_path):
    return Person(share()[0], tmp_path / "anna" / "d")


@pytest.fixture
def ben(anna, tmp_path):
    node = make_node(2, "ben")
    join(node, anna.node, anna.node.invites.create(anna.node.tree.find_root(), NOW_MS))
    return Person(node, tmp_path / "ben" / "d")


def both_have(anna, ben, **texts):
    for name, text in texts.items():
        anna.write(name, text)
    anna.put()
    meet(anna.node, ben.node)
    ben.get()
    assert ben.here() == texts


def test_what_was_not_changed_here_does_not_undo_what_somebody_else_changed(anna, ben):
    both_have(anna, ben, a="one", b="mine")
    ben.write("a", "two")
    assert ben.put().written == 1
    meet(anna.node, ben.node)
    anna.write("b", "changed")
    result = anna.put()
    assert result.written == 1
    assert [path for path, _ in result.newer] == ["d/a"]
    assert result.conflicts == []
    assert anna.stored() == {"a": "two", "b": "changed"}
    anna.get()
    assert anna.here() == {"a": "two", "b": "changed"}
    assert anna.put().newer == []


def test_what_both_changed_stands_side_by_side(anna, ben):
    both_have(anna, ben, a="one")
    ben.write("a", "of ben")
    ben.put()
    meet(anna.node, ben.node)
    anna.write("a", "of anna")
    result = anna.put()
    assert result.written == 1
    assert result.conflicts == ["d/a"]
    assert sorted(anna.stored().values()) == ["of anna", "of ben"]
    assert anna.put().written == 0, "nothing has changed since"
    anna.write("a", "of anna again")
    anna.put()
    assert sorted(anna.stored().values()) == ["of anna again", "of ben"], "what she has not seen is not replaced"
    anna.get()  # now she has seen both
    assert sorted(anna.here().values()) == ["of anna again", "of ben"]
    anna.write("a", "of both")
    anna.put()
    assert anna.stored() == {"a": "of both"}
    meet(anna.node, ben.node)
    assert ben.stored() == {"a": "of both"}


def test_what_was_removed_elsewhere_does_not_come_back(anna, ben):
    both_have(anna, ben, a="one", b="two")
    ben.files.remove("d/a", NOW_MS + 50)
    ben.files.remove("d/b", NOW_MS + 50)
    meet(anna.node, ben.node)
    anna.write("b", "changed meanwhile")
    result = anna.put()
    assert [path for path, _ in result.newer] == ["d/a"]
    assert "removed" in result.newer[0][1]
    assert anna.stored() == {"b": "changed meanwhile"}
    result = anna.put(anna.folder / "a", "d/a")
    assert result.written == 0
    assert len(result.newer) == 1
    assert anna.put(force=True).written == 1
    assert anna.stored()["a"] == "one"


def test_what_one_removed_oneself_comes_back_when_it_is_named(anna):
    anna.write("a", "one")
    anna.put()
    anna.files.remove("d/a", NOW_MS + 5000)
    assert anna.put().written == 0
    assert anna.put(anna.folder / "a", "d/a").written == 1


def test_an_undo_is_not_undone_by_the_next_put(anna):
    for text in ("one", "two"):
        anna.write("a", text)
        anna.put()
    anna.files.undo("d/a", NOW_MS + 5000)
    assert anna.put().written == 0
    assert anna.stored() == {"a": "one"}


def test_an_old_copy_of_a_folder_replaces_nothing(anna, ben, tmp_path):
    both_have(anna, ben, a="one")
    old = tmp_path / "backup" / "d"
    old.mkdir(parents=True)
    (old / "a").write_text("one")
    ben.write("a", "two")
    ben.put()
    meet(anna.node, ben.node)
    result = anna.put(old)
    assert result.written == 0
    assert "before" in result.newer[0][1]
    assert anna.stored() == {"a": "two"}


def test_another_content_from_a_place_that_is_not_remembered(anna, ben, tmp_path):
    both_have(anna, ben, a="one")
    other = tmp_path / "other" / "d"
    other.mkdir(parents=True)
    (other / "a").write_text("something else")
    assert anna.put(other).conflicts == [], "all that stood was her own"
    assert anna.stored() == {"a": "something else"}, "all that stood was her own"
    meet(anna.node, ben.node)
    (other / "a").write_text("of another folder")
    result = ben.put(other)
    assert result.conflicts == ["d/a"]
    assert len(ben.stored()) == 2
    (other / "a").write_text("forced")
    assert ben.put(other, force=True).conflicts == []
    assert ben.stored() == {"a": "forced"}


def test_a_conflict_beside_a_change_of_many_files_replaces_only_what_was_seen(anna, ben):
    """One intention names what all its files supersede: what one file has not seen must not be among it."""
    names = [chr(97 + number) for number in range(8)]
    both_have(anna, ben, **dict.fromkeys(names, "base"))
    for name in names:
        ben.write(name, "of ben")
    ben.put()  # all eight in one intention
    meet(anna.node, ben.node)
    anna.get("d/a", anna.folder)  # of one of them she has seen it
    for name in names:
        anna.write(name, "of anna")
    result = anna.put()
    assert sorted(result.conflicts) == ["d/" + name for name in names[1:]]
    stored = anna.stored()
    assert stored["a"] == "of anna"
    assert list(stored.values()).count("of ben") == 7


def test_a_store_that_was_joined_anew_still_keeps_what_others_changed(anna, ben):
    both_have(anna, ben, a="one")
    where = anna.folder / "a"
    known = anna.places.known(where, anna.files.store_id, "d/a")
    anna.places.note(where, anna.files.store_id, "d/a", Known((b"\1" * 32,), *list(vars(known).values())[1:]))
    anna.write("a", "two")
    assert anna.put().conflicts == [], "the content that it was made from stands"
    assert anna.stored() == {"a": "two"}, "the content that it was made from stands"
    anna.places.note(where, anna.files.store_id, "d/a", Known((b"\1" * 32,), *list(vars(known).values())[1:]))
    anna.write("a", "three")
    assert anna.put().conflicts == ["d/a"]
    assert len(anna.stored()) == 2


def test_a_changed_mode_is_a_change_of_the_disk(anna, ben):
    both_have(anna, ben, a="one")
    (anna.folder / "a").chmod(0o755)
    assert anna.put().written == 1
    assert anna.put().written == 0
    meet(anna.node, ben.node)
    assert ben.put().written == 0, "what is not changed here is not put back"
    ben.get()
    assert (ben.folder / "a").stat().st_mode & 0o777 == 0o755
    assert ben.put().written == 0


def test_a_mode_that_the_disk_changed_is_not_put(anna, ben):
    """A disk that shows its own bits: what it showed when the file was got is what has not changed."""
    both_have(anna, ben, a="one")
    known = ben.places.known(ben.folder / "a", ben.files.store_id, "d/a")
    (ben.folder / "a").chmod(0o777)
    values = {**vars(known), "mode": 0o777}
    ben.places.note(ben.folder / "a", ben.files.store_id, "d/a", Known(**values))
    assert ben.put().written == 0
    ben.write("a", "two")
    ben.put()
    assert ben.files.get("d/a").entry.mode == 0o644, "only the content is new"


def test_the_memory_is_of_one_disk(anna, monkeypatch):
    """Another disk under the same folder holds what was put nowhere: it never replaces unseen what others wrote."""
    anna.write("a", "one")
    anna.put()
    where = anna.folder / "a"
    assert anna.places.known(where, anna.files.store_id, "d/a")
    anna.places._disks = dict.fromkeys(anna.places._disks, b"another disk")
    assert anna.places.known(anna.folder / "b", anna.files.store_id, "d/b") is None
    assert anna.places.known(where, anna.files.store_id, "d/a") is None


def test_what_is_remembered_below_a_folder(anna, tmp_path):
    anna.write("a", "1")
    anna.write("sub/b", "2")
    anna.put()
    beside = tmp_path / "anna" / "d-beside"
    beside.mkdir()
    (beside / "c").write_text("3")
    anna.put(beside, "other")
    found = {
        (str(where.relative_to(anna.folder)), path)
        for where, path, _ in anna.places.below(anna.folder, anna.files.store_id)
    }
    assert found == {("a", "d/a"), ("sub/b", "d/sub/b")}
    anna.places.forget(anna.folder / "a", anna.files.store_id)
    assert anna.places.known(anna.folder / "a", anna.files.store_id, "d/a") is None


def test_times_that_sqlite_cannot_hold(anna):
    where = anna.write("a", "from the far future")
    os.utime(where, (1 << 34, 1 << 34))  # the year 2514
    anna.put()
    assert anna.put().written == 0
    assert anna.files.get("d/a").entry.modified_at == where.stat().st_mtime_ns // 1_000_000


# -- conflicts --------------------------------------------------------------------------------------------------------


def in_conflict(anna, ben):
    """Both changed `a`; ben's version has the name, and nobody has got both yet."""
    both_have(anna, ben, a="one")
    anna.write("a", "of anna")
    anna.put()
    ben.write("a", "of ben")
    ben.now_ms += 100_000
    ben.put()
    meet(anna.node, ben.node)
    anna.now_ms = ben.now_ms + 1000


def test_the_same_content_put_twice_is_no_conflict(anna, ben):
    for person in (anna, ben):
        person.write("img", "photo")
        person.put()
    meet(anna.node, ben.node)
    for person in (anna, ben):
        assert person.stored() == {"img": "photo"}
        assert person.put().written == 0
        person.get()
        assert person.here() == {"img": "photo"}
        assert person.files.get("d/img").conflicts == []
    anna.write("img", "edited")
    assert anna.put().conflicts == []
    assert anna.stored() == {"img": "edited"}
    meet(anna.node, ben.node)
    assert ben.stored() == {"img": "edited"}


def test_conflict_copies_on_a_disk_are_no_files(anna, ben):
    in_conflict(anna, ben)
    anna.get()
    name = anna.copy_name()[2:]
    assert anna.here() == {"a": "of ben", name: "of anna"}
    for _ in range(2):
        result = anna.put()
        assert result.written == 0
        assert result.skipped == []
        assert result.conflicts == ["d/a"]
        assert sorted(anna.stored()) == ["a", name]
    result = Person(anna.node, anna.folder).put()  # without a memory, too
    assert result.written == 0
    assert result.skipped == []
    anna.write(name, "edited copy")
    assert [path for path, _ in anna.put().skipped] == ["d/" + name]
    anna.write("b (conflict 20270115-080000 1a2b3c4d-5e6f7081).txt", "of another mesh")
    assert len(anna.put().skipped) == 2
    assert sorted(anna.stored()) == ["a", name]


def test_a_settled_conflict_copy_is_no_file_either(anna, ben):
    in_conflict(anna, ben)
    anna.get()
    anna.write("a", "of both")
    anna.put()
    result = Person(anna.node, anna.folder).put()
    assert (result.written, result.skipped) == (0, [])
    assert anna.stored() == {"a": "of both"}


def test_writing_a_copy_back_settles(anna, ben, tmp_path):
    in_conflict(anna, ben)
    anna.get()
    name = anna.copy_name()
    result = anna.put(anna.folder / name[2:], None)
    assert result.written == 1
    assert anna.stored() == {"a": "of anna"}
    meet(anna.node, ben.node)
    assert ben.stored() == {"a": "of anna"}


def test_writing_the_winner_back_settles_only_when_both_were_seen(anna, ben):
    in_conflict(anna, ben)
    assert anna.put(anna.folder / "a", "d/a").written == 0, "she does not know of ben's version"
    assert len(anna.stored()) == 2
    anna.get()
    assert anna.put().written == 0, "a put of everything decides nothing"
    assert len(anna.stored()) == 2, "a put of everything decides nothing"
    assert anna.put(anna.folder / "a", "d/a").written == 1
    assert anna.stored() == {"a": "of ben"}


def test_a_copy_put_by_its_name_settles(anna, ben, tmp_path):
    in_conflict(anna, ben)
    name = anna.copy_name()
    (tmp_path / "merged").write_text("merged")
    anna.put(tmp_path / "merged", name)
    assert anna.stored() == {"a": "merged"}
    with pytest.raises(UsageError, match="called like a conflict copy"):
        anna.put(tmp_path / "merged", "x (conflict 20270115-080000 1a2b3c4d-5e6f7081)")


def test_the_names_of_copies_work_in_every_command(anna, ben, tmp_path):
    in_conflict(anna, ben)
    name = anna.copy_name()
    anna.get(name, tmp_path / "one")
    assert (tmp_path / "one").read_text() == "of anna"
    (tmp_path / "into").mkdir()
    anna.get(name, tmp_path / "into")
    assert (tmp_path / "into" / name[2:]).read_text() == "of anna"
    assert b"".join(transfer.content_of(anna.files, name)[0]) == b"of anna"
    assert copies.remove(anna.files, name, anna.now_ms) == [name]
    assert anna.stored() == {"a": "of ben"}
    assert copies.undo(anna.files, name, anna.now_ms) == ["d/a"]
    assert anna.stored() == {"a": "of anna"}
    assert anna.files.undo("d/a", anna.now_ms) == ["d/a"]
    assert anna.stored() == {"a": "of ben"}


def test_undo_of_a_dropped_copy_by_the_name_of_the_file(anna, ben):
    in_conflict(anna, ben)
    copies.remove(anna.files, anna.copy_name(), anna.now_ms)
    assert anna.stored() == {"a": "of ben"}
    assert copies.undo(anna.files, "d/a", anna.now_ms) == ["d/a"]
    assert anna.stored() == {"a": "of anna"}
    assert copies.undo(anna.files, "d/a", anna.now_ms) == ["d/a"]
    assert anna.stored() == {"a": "of ben"}


def test_undo_of_a_settled_conflict_brings_back_the_other_content(anna, ben):
    """The winner itself was put, with another time: what that hid is the loser."""
    in_conflict(anna, ben)
    file = anna.files.get("d/a")
    again = transfer.Entry("a", 0o600, file.entry.cid, 5, file.entry.size, file.entry.inline)
    anna.files.write([("d/a", again)], anna.now_ms + 1)
    assert anna.stored() == {"a": "of ben"}
    copies.undo(anna.files, "d/a", anna.now_ms + 2)
    assert anna.stored() == {"a": "of anna"}


def test_undo_of_a_write_that_hid_nothing_writes_nothing(anna, ben):
    in_conflict(anna, ben)
    name = anna.copy_name()
    copies.undo(anna.files, name, anna.now_ms + 1)
    file = anna.files.get("d/a")
    anna.files.write([("d/a", file.entry, [file.version.hash])], anna.now_ms + 2)
    count = anna.files.store.count
    for path in ("d/a", name):
        with pytest.raises(UsageError, match="nothing to bring back"):
            copies.undo(anna.files, path, anna.now_ms + 3)
    assert anna.files.store.count == count


def test_a_copy_becomes_a_file_of_its_own(anna, ben):
    in_conflict(anna, ben)
    name = anna.copy_name()
    copies.move(anna.files, name, "d/b", anna.now_ms)
    assert anna.stored() == {"a": "of ben", "b": "of anna"}
    meet(anna.node, ben.node)
    assert ben.stored() == {"a": "of ben", "b": "of anna"}


def test_of_three_versions_one_is_dropped(anna, ben):
    in_conflict(anna, ben)
    carol = make_node(3, "carol")
    join(carol, anna.node, anna.node.invites.create(anna.node.tree.find_root(), NOW_MS))
    # A third version, made of the first.
    base = anna.files.get("d/a").versions[0].head.hash
    deps = list(anna.files.store.get(base).deps())
    third = transfer.Entry("a", 0o644, anna.files.get("d/a").entry.cid, 5, 3, None)
    content = b"third"
    third.cid = transfer.cids.make(transfer.cids.RAW, anna.node.crypto.blake3_digest(content))
    entry = transfer.Entry("a", 0o644, third.cid, 5, len(content), content)
    anna.files.write([("d/a", entry, deps)], anna.now_ms + 10**6)
    anna.node.journal.commit(anna.now_ms)
    assert sorted(anna.stored().values()) == ["of anna", "of ben", "third"]
    file = anna.files.get("d/a")
    loser = next(version for version in file.conflicts if text_of(anna.files, version.entry) == "of anna")
    copies.remove(anna.files, file.conflict_path(loser), anna.now_ms + 2 * 10**6)
    assert sorted(anna.stored().values()) == ["of ben", "third"], "the others stand as they stood"


def test_a_copy_of_a_name_that_had_to_be_cut(anna, ben):
    long = "x" * 240 + ".txt"
    both_have(anna, ben, **{long: "one"})
    for person in (anna, ben):
        person.write(long, person.node.name)
        person.put()
    meet(anna.node, ben.node)
    name = anna.copy_name("d/" + long)
    found = copies.find(anna.files, name)
    assert found is not None
    assert found.path == "d/" + long
    anna.get()
    assert anna.put().written == 0
    assert anna.put().skipped == []


def test_two_who_removed_the_same_file(anna, ben):
    both_have(anna, ben, a="one")
    for person in (anna, ben):
        person.files.remove("d/a", person.now_ms + 1000)
        person.node.journal.commit(person.now_ms)
    meet(anna.node, ben.node)
    assert anna.stored() == {}
    assert anna.files.undo("d", anna.now_ms + 5000) == ["d/a"]
    assert anna.stored() == {"a": "one"}


# -- names that are files and folders ----------------------------------------------------------------------------------


def test_a_file_that_became_a_folder(anna, ben):
    both_have(anna, ben, thing="1", other="2")
    (anna.folder / "thing").unlink()
    anna.write("thing/in", "3")
    result = anna.put()
    assert result.removed == ["d/thing"]
    assert anna.stored() == {"thing/in": "3", "other": "2"}
    meet(anna.node, ben.node)
    assert ben.get().problems == []
    assert ben.here() == {"thing/in": "3", "other": "2"}
    assert ben.put().written == 0


def test_a_folder_that_became_a_file(anna, ben):
    both_have(anna, ben, **{"thing/in": "1", "thing/deep/er": "2", "other": "3"})
    for name in ("thing/in", "thing/deep/er"):
        (anna.folder / name).unlink()
    (anna.folder / "thing" / "deep").rmdir()
    (anna.folder / "thing").rmdir()
    anna.write("thing", "a file now")
    result = anna.put()
    assert sorted(result.removed) == ["d/thing/deep/er", "d/thing/in"]
    meet(anna.node, ben.node)
    assert ben.get().problems == []
    assert ben.here() == {"thing": "a file now", "other": "3"}


def test_a_move_gives_no_name_to_a_file_and_a_folder(anna, tmp_path):
    both = {"a": "1", "folder/b": "2", "file": "3"}
    for name, text in both.items():
        anna.write(name, text)
    anna.put()
    for target, words in (("d/folder", 'is a folder; "d/folder/a" is free'), ("d/file/a", "is a file")):
        with pytest.raises(UsageError, match=words):
            copies.move(anna.files, "d/a", target, anna.now_ms)
    assert anna.stored() == both
    copies.move(anna.files, "d/a", "d/new/a", anna.now_ms)
    assert sorted(anna.stored()) == ["file", "folder/b", "new/a"]
    (tmp_path / "x").write_text("x")
    for name in ("d/folder", "d/file/x"):
        (note,) = anna.put(tmp_path / "x", name).notes
        assert "folder has this name" in note[1]


def test_a_folder_with_files_of_its_own_stays(anna, ben):
    both_have(anna, ben, **{"thing/in": "1"})
    ben.write("thing/mine", "not in the store")
    (anna.folder / "thing" / "in").unlink()
    (anna.folder / "thing").rmdir()
    anna.write("thing", "a file now")
    anna.put()
    meet(anna.node, ben.node)
    (problem,) = ben.get().problems
    assert problem[0] == "d/thing"
    assert "folder" in problem[1]
    assert ben.here() == {"thing/in": "1", "thing/mine": "not in the store"}


def test_a_name_that_one_edits_while_another_makes_it_a_folder(anna, ben):
    both_have(anna, ben, thing="1")
    ben.write("thing", "edited")
    ben.now_ms += 50_000
    ben.put()
    (anna.folder / "thing").unlink()
    anna.write("thing/in", "3")
    anna.put()
    meet(anna.node, ben.node)
    seen = []
    for person in (anna, ben):
        assert person.get().problems == []
        here = person.here()
        assert here.pop("thing/in") == "3"
        ((name, text),) = here.items()
        assert text == "edited"
        assert name.startswith("thing (conflict")
        assert copies.find(person.files, "d/" + name).path == "d/thing"
        assert person.put().written == 0
        seen.append(name)
    assert seen[0] == seen[1]
    copies.move(ben.files, "d/" + seen[1], "d/thing/edited", ben.now_ms + 10**6)
    assert ben.stored() == {"thing/in": "3", "thing/edited": "edited"}


def test_a_name_that_two_use_differently_from_the_start(anna, ben):
    anna.write("thing", "a file")
    anna.put()
    ben.write("thing/in", "in a folder")
    ben.put()
    meet(anna.node, ben.node)
    names = []
    for person in (anna, ben):
        person.get()
        here = person.here()
        assert here["thing/in"] == "in a folder"
        assert sorted(here.values()) == ["a file", "in a folder"]
        names.append(sorted(here))
        assert person.put().written == 0
    assert names[0] == names[1]


# -- accents ---------------------------------------------------------------------------------------------------------


DECOMPOSED = unicodedata.normalize("NFD", "café.txt")
COMPOSED = unicodedata.normalize("NFC", "café.txt")


def test_of_two_forms_of_a_name_the_changed_one_is_put(anna):
    anna.write(DECOMPOSED, "old")
    anna.put()
    anna.write(COMPOSED, "edited")
    result = anna.put()
    assert result.skipped == []
    assert anna.stored() == {COMPOSED: "edited"}
    result = anna.put()
    assert result.written == 0
    assert anna.stored() == {COMPOSED: "edited"}
    anna.write(DECOMPOSED, "edited, too")
    anna.put()
    assert "edited, too" in anna.stored().values()


def test_of_two_forms_that_both_changed_one_is_named(anna):
    os.utime(anna.write(DECOMPOSED, "older"), (1000, 1000))
    anna.write(COMPOSED, "newer")
    result = anna.put()
    assert anna.stored() == {COMPOSED: "newer"}
    assert [path for path, _ in result.skipped] == ["d/" + COMPOSED]


def test_a_get_writes_to_the_form_that_stands_there(anna, ben):
    anna.write(DECOMPOSED, "old")
    anna.put()
    meet(anna.node, ben.node)
    ben.get()
    ben.write(COMPOSED, "new")
    ben.put()
    meet(anna.node, ben.node)
    anna.get()
    assert anna.here() == {DECOMPOSED: "new"}
    assert anna.put().written == 0


def test_an_old_copy_is_known_however_long_ago_it_was(anna, tmp_path):
    for version in range(300):
        anna.write("a", "v%d" % version)
        anna.put()
    (tmp_path / "old" / "d").mkdir(parents=True)
    (tmp_path / "old" / "d" / "a").write_text("v0")
    result = anna.put(tmp_path / "old" / "d")
    assert not result.written
    assert [path for path, _ in result.newer] == ["d/a"]
    assert anna.stored() == {"a": "v299"}


def test_a_name_that_was_given_is_meant_as_it_is_spelled(anna):
    """The same folder under another spelling: what is remembered of it names the files below, not the folder."""
    anna.write("in/f", "x")
    for name in ("Docs", "docs", "DOCS/in", "Cafe\u0301", "CAF\u00c9"):
        anna.put(name=name)
        shown = unicodedata.normalize("NFC", name)
        assert [file.path for file in anna.files.list(shown)] == [shown + "/in/f"], name
