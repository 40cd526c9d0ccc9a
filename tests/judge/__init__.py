"""The judge: runs vector files (tests/vectors/README.md) against the core, on CPython or on the stick's interpreter.

`run.py` reads files on the host and feeds one case a line to `serve.py`, which runs on the platform and lets the
checker of the section decide. `registry.py` says which checker that is.
"""
