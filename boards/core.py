# The slices of the core and its log engine. `whole`: every module, for the tests; without it what a stick runs.
# `opt=3` leaves out asserts and line numbers.
#
# A file of the core is frozen unless it is named here: a folder with a slash behind it, or a module. What is named here
# no stick can reach (tests/gate/test_slices.py): a stick is no client of its own API, writes no files, lists no keys,
# never speaks the reference's protocol, and checks its whole store only when a computer does it.
import os

options.defaults(whole=False, opt=0)

HOST_ONLY = (
    "api/",
    "testing/",
    "sync/reference/",
    "files/files.py",
    "machines/log_view.py",
    "machines/root_view.py",
    "model/snapshot.py",
    "model/token.py",
    "node/fetched.py",
    "node/founding.py",
    "storage/chains.py",
    "sync/common/streams.py",
    "sync/common/syncing.py",
    "weaver/acks.py",
    "weaver/dag.py",
    "weaver/index.py",
    "weaver/roomy.py",
    "weaver/verify.py",
    "wire/base58.py",
    "wire/log_messages.py",
    "wire/reference_messages.py",
)
FLASH_HOST_ONLY = ("roomy.py",)  # the same of the log engine: indexes for a machine with memory


def files(name, host_only):
    found = []
    for folder, _, names in os.walk("../shared/" + name):
        within = os.path.relpath(folder, "../shared/" + name).replace(os.sep, "/")
        found += [one if within == "." else within + "/" + one for one in names if one.endswith(".py")]
    return tuple(sorted(one for one in found if options.whole or not one.startswith(host_only)))


package("lattice_core", files("lattice_core", HOST_ONLY), base_path="../shared", opt=options.opt)
package("lattice_flash", files("lattice_flash", FLASH_HOST_ONLY), base_path="../shared", opt=options.opt)
