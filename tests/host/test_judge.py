"""All vector files through the judge, on CPython and on the stick's interpreter; and the judge judged."""

import json
import pathlib

import pytest

from emulator import interpreter
from judge import registry, run

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
# Not ours: frames of the gossip network among the transcripts, renderings as S-expressions.
ASIDE = {"transcripts.json": ("not checked: ",), "api.json": ("ops_sexpr_kv[",)}
# No stick reads the zip file of a bundle.
ASIDE_ON_A_STICK = {"api.json": ("not checked: a case of root ",)}
FILES = sorted(path.name for path in VECTORS.glob("*.json"))


@pytest.mark.parametrize("platform", ["cpython", "emulator"])
@pytest.mark.parametrize("name", FILES)
def test_vectors(name: str, platform: str) -> None:
    if platform == "emulator":
        interpreter.command()  # builds it when the sources have changed
    tally = run.judge_file(VECTORS / name, run.cpython() if platform == "cpython" else run.emulator())
    aside = ASIDE.get(name, ()) + (ASIDE_ON_A_STICK.get(name, ()) if platform == "emulator" else ())
    failures = [failure for failure in tally.failures if not any(text in failure for text in aside)]
    assert not failures, "\n".join(failures[: run.SHOWN])
    assert tally.passed > 0


def judged(tmp_path: pathlib.Path, document: object) -> run.Tally:
    path = tmp_path / "some.json"
    path.write_text(json.dumps(document))
    return run.judge_file(path, run.cpython())


def cases_of(name: str, section: str) -> list:
    return json.loads((VECTORS / name).read_text())[section]


def test_an_unknown_section_counts_as_failed_case_by_case(tmp_path: pathlib.Path) -> None:
    hlc = cases_of("intention.json", "hlc")[:3]
    tally = judged(tmp_path, {"file": "intention", "hlc": hlc, "novel": [{}, {}], "empty": []})
    assert tally.passed == 3
    assert len(tally.failures) == 3


def test_an_unknown_kind_of_file_counts_as_failed(tmp_path: pathlib.Path) -> None:
    assert len(judged(tmp_path, {"file": "novel", "valid": [{"a": 1}]}).failures) == 1
    assert len(judged(tmp_path, {"file": "intention"}).failures) == 1
    assert len(judged(tmp_path, [1, 2]).failures) == 1


def test_a_shape_of_case_that_nobody_knows_counts_as_failed(tmp_path: pathlib.Path) -> None:
    assert len(judged(tmp_path, {"file": "wire", "gossip": [{"name": "message", "store_id": "aa" * 16}]}).failures) == 1


@pytest.mark.parametrize(
    ("name", "section", "field", "value"),
    [
        ("intention.json", "valid", "hash", "00" * 32),
        ("intention.json", "valid", "verify", None),
        ("intention.json", "construct", "stored", []),
        ("intention.json", "decode", "ok", None),
        ("intention.json", "hlc", "tick", [1, 1]),
        ("intention.json", "proto", "result", "some-error"),
        ("signature.json", "cases", "strict", None),
        ("signature.json", "intentions", "verify", None),
        ("witness.json", "chains", "head_hash", "00" * 32),
        ("witness.json", "verify", "ok", None),
        ("wire.json", "peer_messages", "framed", "00"),
        ("wire.json", "peer_message_decode", "ok", None),
        ("wire.json", "framing", "yields", ["eof", "eof"]),
        ("wire.json", "gossip", "store_id", "ab" * 16),
        ("wire.json", "invite_tokens", "token", "x"),
        ("wire.json", "invite_parse", "ok", None),
        ("wire.json", "genesis", "ops", "5200"),
        ("wire.json", "ops", "ops", "5201"),
        ("wire.json", "snapshots", "store_id", "ab" * 16),
    ],
)
def test_a_case_that_is_wrong_fails(name: str, section: str, field: str, value: object, tmp_path: pathlib.Path) -> None:
    """`None` turns a verdict around."""
    case = dict(cases_of(name, section)[0])
    kind = registry.kind_of(json.loads((VECTORS / name).read_text()))
    assert judged(tmp_path, {"file": kind, section: [case]}).summary() == "1 passed, 0 failed"
    turned = {True: False, False: True, "ok": "InvalidSignature", "InvalidSignature": "ok"}
    case[field] = turned[case[field]] if value is None else value
    assert judged(tmp_path, {"file": kind, section: [case]}).summary() == "0 passed, 1 failed"


def test_what_is_read_from_rows_that_are_sure_must_be_as_recorded(tmp_path: pathlib.Path) -> None:
    scenarios = cases_of("system.json", "scenarios")
    caught = 0
    for case in scenarios:
        reads = case["orders"][0]["reads"]
        if case["orders"][0]["stalled"] or "error" in reads["peers"] or not reads["peers"]:
            continue
        reads["peers"][0]["status"] = {"Active": "Dormant"}.get(reads["peers"][0]["status"], "Active")
        wrong = {**case, "orders": case["orders"][:1]}
        caught += judged(tmp_path, {"file": "system", "scenarios": [wrong]}).passed == 0
    assert caught > 10


def test_an_interpreter_that_dies_costs_one_case(tmp_path: pathlib.Path) -> None:
    """The next case runs in a new process."""
    dying = run.Interpreter(["/bin/sh", "-c", "read a; read b; exit 3"], {})
    path = tmp_path / "some.json"
    path.write_text(json.dumps({"file": "intention", "hlc": cases_of("intention.json", "hlc")[:2]}))
    tally = run.judge_file(path, dying)
    assert tally.passed == 0
    assert len(tally.failures) == 2
    assert all("ended" in failure for failure in tally.failures)
