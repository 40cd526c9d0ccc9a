"""Ten thousand simulated runs of the link with every fault, on all cores. See link_run.py for what a run is.

Any run can be repeated alone: python -c "import link_run; print(vars(link_run.run(NUMBER)))" with tests/sim,
tests/core, shared and host on PYTHONPATH.
"""

import multiprocessing
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 10000
AT_ONCE = 50
# Every fault is forced to happen in every run; `noise` is left to chance, `reorder` to pipes that can.
ALWAYS = ("lose", "double", "damage", "stall")


def prepare():
    """Workers start afresh: pytest's import path is not theirs."""
    for folder in ("shared", "host", "tests/core", "tests/sim"):
        sys.path.insert(0, str(ROOT / folder))


def simulate(number):
    """What a run did, as plain values."""
    import link_run

    return vars(link_run.run(number))


def outcomes():
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), prepare) as pool:
        yield from pool.imap_unordered(simulate, range(RUNS), AT_ONCE)


def test_streams_deliver_what_was_sent_or_end_with_an_error():
    wrong = []
    totals = {}
    restarts = resets = lost_streams = runs = 0
    pipes = set()
    for outcome in outcomes():
        runs += 1
        if outcome["wrong"] is not None:
            wrong.append((outcome["number"], outcome["wrong"]))
            continue
        seen = outcome["seen"]
        packets = outcome["pipe"] != 0
        missing = [kind for kind in ALWAYS + (("reorder",) if packets else ()) if not seen[kind]]
        assert not missing, (outcome["number"], missing)
        assert outcome["restarts"] >= 1, outcome["number"]
        assert outcome["delivered"] >= 65536, outcome["number"]
        assert outcome["streams"] >= 3, outcome["number"]
        for kind, count in seen.items():
            totals[kind] = totals.get(kind, 0) + count
        restarts += outcome["restarts"]
        resets += outcome["resets"]
        lost_streams += outcome["lost_streams"]
        pipes.add(outcome["pipe"])
    assert not wrong, "%d of %d runs went wrong: %s" % (len(wrong), RUNS, wrong[:10])
    assert runs == RUNS
    assert all(totals[kind] for kind in ("lose", "double", "damage", "reorder", "stall", "noise")), totals
    assert resets > 0
    assert lost_streams > restarts
    assert len(pipes) >= 5
    print("%d runs: %s, %d restarts, %d streams lost" % (runs, totals, restarts, lost_streams))
