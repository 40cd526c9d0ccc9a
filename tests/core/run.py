"""Runs test files of this folder on MicroPython (or CPython) without pytest.

    micropython -X heapsize=483456 tests/core/run.py tests/core/test_hlc.py …

Each `test_*` function is called in the order of its name, with a garbage collection before it. The last line
is "N passed, M failed"; exit status 1 when something failed.
"""

import gc
import sys

_HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
_PATHS = (_HERE, _HERE + "/../../shared", _HERE + "/../../host")


def module_name(path):
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def folder_of(path):
    return path.rsplit("/", 1)[0] if "/" in path else "."


def run_one(name, function):
    """Returns True when the test passed; prints what went wrong otherwise."""
    gc.collect()
    try:
        function()
    except KeyboardInterrupt:
        raise
    except Exception as error:  # noqa: BLE001 - a test runner reports whatever a test raises
        print("FAILED %s" % name)
        if hasattr(sys, "print_exception"):
            sys.print_exception(error)
        else:
            sys.excepthook(type(error), error, error.__traceback__)
        return False
    return True


def run_file(path):
    """(passed, failed) of one file."""
    folder = folder_of(path)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = __import__(module_name(path))
    passed = failed = 0
    names = module.__dict__  # dir() of MicroPython leaves out what was added by a string key
    for name in sorted(names):
        function = names[name]
        if name.startswith("test_") and callable(function):
            if run_one("%s %s" % (module_name(path), name), function):
                passed += 1
            else:
                failed += 1
    return passed, failed


def main(paths):
    if hasattr(gc, "threshold"):
        gc.threshold(65536)  # as firmware/main.py: collected late, long-lived objects lie scattered over the heap
    for folder in _PATHS:
        if folder not in sys.path:
            sys.path.append(folder)
    passed = failed = 0
    for path in paths:
        more_passed, more_failed = run_file(path)
        passed += more_passed
        failed += more_failed
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
