"""Power cut at every kind of flash operation: nothing acknowledged is lost, no own chain forks (power_cuts.py)."""

import json

import pytest

from emulator import interpreter

# Together 336 cuts; a scenario that takes fewer operations than cuts is cut at each of them.
SCENARIOS = {"fresh": 75, "ingest": 48, "own": 60, "blob": 48, "join": 48, "large": 24, "housekeeping": 33}


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_nothing_acknowledged_is_lost(name, tmp_path):
    script = interpreter.ROOT / "tests" / "emulator" / "power_cuts.py"
    result = interpreter.run(script, name, SCENARIOS[name], 7, heaps=8, IMAGES=str(tmp_path))
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-2000:]
    assert json.loads(result.stdout.splitlines()[-1])["cuts"] == SCENARIOS[name]


def test_there_are_enough_cuts():
    assert sum(SCENARIOS.values()) >= 300
