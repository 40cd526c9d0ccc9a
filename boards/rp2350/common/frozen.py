# Frozen into the firmware: what a stick runs of the core, its storage on flash, the firmware, and what starts it.
# `opt=3` leaves out asserts and line numbers.
import os

SHARED = "../../../shared"
# Nothing of this is reached from firmware/main.py (tests/gate/test_boards.py): a stick never speaks the reference's
# protocol, and what checks a whole store, or is storage for tests, is a computer's.
HOST_ONLY = (
    "sync/reference/",
    "testing/",
    "model/snapshot.py",
    "node/fetched.py",
    "sync/common/streams.py",
    "weaver/acks.py",
    "weaver/dag.py",
    "weaver/index.py",
    "weaver/roomy.py",
    "wire/incremental.py",
    "wire/reference_messages.py",
)


# The same of the log engine: indexes for a machine with memory.
FLASH_HOST_ONLY = ("roomy.py",)


def files_of(name, host_only):
    folder = SHARED + "/" + name
    found = []
    for inside, _, names in os.walk(folder):
        within = os.path.relpath(os.path.join(inside, "x"), folder)[:-1].replace(os.sep, "/")
        found += [within + name for name in names if name.endswith(".py")]
    return tuple(sorted(name for name in found if not name.startswith(host_only)))


package("lattice_core", files_of("lattice_core", HOST_ONLY), base_path=SHARED, opt=options.opt)
package("lattice_flash", files_of("lattice_flash", FLASH_HOST_ONLY), base_path=SHARED, opt=options.opt)
package(
    "firmware",
    ("__init__.py", "loop.py", "main.py", "mount.py", "version.py", "ports/__init__.py", "ports/rp2.py"),
    base_path="../../..",
    opt=options.opt,
)
freeze("modules", ("_boot.py", "main.py"), opt=options.opt)
