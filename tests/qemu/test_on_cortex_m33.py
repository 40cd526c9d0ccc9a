"""What is frozen into a board, as machine code of its chip: the core's tests, the crypto, storage on flash, with the
heap of the boards. A run takes a sample; `make campaign-qemu` takes all."""

import pytest

from emulator.transcripts import host_transcript
from qemu import machine

CORE = machine.ROOT / "tests" / "core"
# One file of each room, the quick ones: together about a minute
SAMPLE = {
    *("test_crypto", "test_noise", "test_frames", "test_arq", "test_mux", "test_intention", "test_chain", "test_borsh"),
    *("test_cobs", "test_files_chunks", "test_kv_list", "test_log_store", "test_node_stores", "test_control"),
    *("test_flash_newer", "test_holdings", "test_api_log", "test_failing_peer"),
}
SUITES = {"nor_case": 1, "session_ends_case": 1}
MORE_SUITES = {"boot_case": 1, "button_case": 1, "failing_case": 1, "flash_storage_case": 1, "limits_case": 1}
MORE_SUITES |= {"index_case": 1, "housekeeping_case": 1, "weaver_case": 1}


def _files():
    names = sorted(path.stem for path in CORE.glob("test_*.py"))
    assert set(names) >= SAMPLE
    return [pytest.param(name, marks=() if name in SAMPLE else machine.campaign) for name in names]


@pytest.mark.parametrize("name", _files())
def test_core_file(name):
    machine.run_tests(f"tests/core/{name}.py")


@pytest.mark.parametrize("name", [*SUITES, *(pytest.param(name, marks=machine.campaign) for name in MORE_SUITES)])
def test_flash(name):
    machine.run_tests(f"tests/emulator/{name}.py", (SUITES | MORE_SUITES)[name])


@pytest.mark.parametrize(("seed", "rounds"), [(7, 5), pytest.param(8, 60, marks=machine.campaign)])
def test_crypto_answers_as_on_the_host(seed, rounds):
    answers = machine.run("tests/emulator/crypto_transcript.py", seed, rounds).splitlines()
    assert answers == host_transcript(seed, rounds).splitlines()
