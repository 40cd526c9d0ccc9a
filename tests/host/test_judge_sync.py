"""The judge judged: of files about lattice-sync/1, one changed field fails its case, or those that follow from it."""

import json
import pathlib

import pytest

from judge import run

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"


def flip(text):
    """A hex text with its last digit changed."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def another(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return flip(value)
    return value[:-1]


def change(document, path):
    """Changes what stands at `path` of the document."""
    for step in path[:-1]:
        document = document[step]
    document[path[-1]] = another(document[path[-1]])


@pytest.mark.parametrize(
    ("name", "kept", "path"),
    [
        ("reconcile.json", ["sessions"], (3, "messages", 1, "payload")),
        ("reconcile.json", ["sessions"], (3, "messages", 9, "len")),
        ("reconcile.json", ["sessions"], (3, "messages")),
        ("reconcile.json", ["sessions"], (31, "messages", 12, "blake3")),
        ("reconcile.json", ["sessions"], (3, "i_result", "received")),
        ("reconcile.json", ["sessions"], (3, "sets_equal_after")),
        ("reconcile.json", ["sessions"], (3, "fingerprint_r")),
        ("reconcile.json", ["process"], (2, "send", 0)),
        ("reconcile.json", ["process"], (16, "need")),
        ("reconcile.json", ["store_sessions"], (0, "messages", 4, "payload")),
        ("reconcile.json", ["store_sessions"], (0, "after", "i_witnessed")),
        ("reconcile.json", ["store_sessions"], (3, "after", "fingerprint_i")),
        ("reconcile.json", ["store_sessions"], (3, "r_result", "received")),
        ("witness.json", ["bootstrap"], (0, "witnessed")),
        ("witness.json", ["bootstrap"], (0, "records", 1)),
        ("witness.json", ["bootstrap"], (0, "intention_count")),
        ("server.json", ["created"], (0, "log", 2, "borsh")),
        ("server.json", ["created"], (1, "log")),
        ("server.json", ["log_after"], (5, "record")),
        ("server.json", ["log_after"], (5, "by_node")),
        ("server.json", ["created", "log_after", "conversations"], (0, "responses", None)),
        ("server.json", ["created", "log_after", "conversations"], (0, "new_log_entries")),
        ("server.json", ["created", "log_after", "conversations"], (11, "responses", 0)),
        ("server.json", ["created", "log_after", "conversations"], (15, "responses")),
        ("server.json", ["created", "log_after", "conversations"], (20, "responses", 0)),
        ("server.json", ["bootstrap_paging"], (0, "frames", 1, "records")),
        ("server.json", ["bootstrap_paging"], (0, "frames", 2, "done")),
        ("server.json", ["bootstrap_paging"], (6, "frames", 1, "last_seq")),
        ("transcripts.json", ["transcripts", "intentions"], (0, "sig")),
        ("transcripts.json", ["intentions", "transcripts"], (0, "messages", 0, "hex")),
        ("transcripts.json", ["intentions", "transcripts"], (1, "server_set")),
        ("transcripts.json", ["intentions", "transcripts"], (6, "messages", 3, "hex")),
        ("transcripts.json", ["intentions", "transcripts"], (7, "messages", 1, "hex")),
        ("transcripts.json", ["intentions", "transcripts"], (8, "messages", 1, "hex")),
        ("bootstrap_large.json", ["intentions_in_order", "messages"], (1, "hex")),
        ("bootstrap_large.json", ["intentions_in_order", "messages"], (11, "hex")),
    ],
)
def test_a_changed_field_fails(name, kept, path, tmp_path):
    document = json.loads((VECTORS / name).read_text())
    for section, cases in list(document.items()):
        if isinstance(cases, list) and section not in kept:
            del document[section]
    if len(kept) == 1:
        first = 0 if kept[0] == "log_after" else path[0]  # a log is checked from its beginning
        document[kept[0]] = document[kept[0]][first : path[0] + 1]
        path = (path[0] - first, *path[1:])
    before = verdicts(document, tmp_path)
    cases = document[kept[-1]]
    if path[-1] is None:
        cases[path[0]]["responses"] = cases[15]["responses"]  # an answer where there is none
    else:
        change(cases, path)
    after = verdicts(document, tmp_path)
    assert len(after) > len(before), after


def verdicts(document, tmp_path):
    path = tmp_path / "some.json"
    path.write_text(json.dumps(document))
    return run.judge_file(path, run.cpython()).failures
