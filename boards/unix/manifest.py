# Frozen into the emulated stick: the part of the core that a stick runs, its storage on flash, the firmware.
include("../core.py")
package("firmware", base_path="../..")
