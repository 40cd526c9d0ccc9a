"""`make campaign-wear`: 100,000 small durable writes on chips that are empty, half full and nearly full.

    PYTHONPATH=tests python tests/emulator/campaign_wear.py [COMMITS]

Prints one JSON line for each; status 1 when a block was erased more than three times as often as the mean of the blocks
that were free. With and without pulling the plug now and then, with and without records that change each time. A few
thousand commits show that it runs, not how even it is.
"""

import json
import pathlib
import sys
import tempfile

from emulator import interpreter

HOTTEST = 3  # times the mean
BLOCKS = 640  # of the stick's 4 MiB those for data
RUNS = [(0, 0, 1000000), (0, 1, 4000), (30, 0, 1000000), (52, 1, 4000), (75, 0, 4000), (90, 1, 1000000)]
CASE = interpreter.ROOT / "tests" / "emulator" / "wear_case.py"


def wear(blocks, commits, fill, with_records, commits_per_boot, seed, folder):
    """The figures of one run."""
    words = (blocks, commits, fill, with_records, commits_per_boot, seed)
    done = interpreter.run(CASE, *words, timeout_s=7200, heaps=12, IMAGES=str(folder))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def main():
    commits = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    uneven = 0
    for fill, with_records, commits_per_boot in RUNS:
        with tempfile.TemporaryDirectory(prefix="wear-") as folder:
            report = wear(BLOCKS, commits, fill, with_records, commits_per_boot, 1, pathlib.Path(folder))
        report["hottest_to_mean"] = round(report["hottest"] / report["mean"], 2)
        uneven += report["hottest_to_mean"] > HOTTEST
        print(json.dumps(report), flush=True)
    return 1 if uneven else 0


if __name__ == "__main__":
    sys.exit(main())
