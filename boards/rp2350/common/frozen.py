# Frozen into the firmware: what a stick runs of the core, its storage on flash, the firmware, and what starts it.
include("../../core.py", opt=options.opt)

FIRMWARE = (
    "__init__.py",
    "button.py",
    "loop.py",
    "main.py",
    "mount.py",
    "served.py",
    "ticks.py",
    "version.py",
    "ports/__init__.py",
    "ports/rp2.py",
)
package("firmware", FIRMWARE, base_path="../../..", opt=options.opt)
freeze("modules", ("_boot.py", "main.py"), opt=options.opt)
