"""Settings of the host's process."""

import gc

_THRESHOLDS = (20000, 20, 50)


def collect_rarely():
    """Reference counts free nearly everything here. By default the collector looks for cycles after every 700 new
    objects, and an ingest batch holds many thousand: a sixth of its time (tests/bench/bench_ingest.py)."""
    gc.freeze()  # what the imports made stays anyway
    gc.set_threshold(*_THRESHOLDS)
