# Frozen into the interpreter: the core and the firmware, imported as `lattice_core` and `firmware`.
package("lattice_core", base_path="../../shared")
package("firmware", base_path="../..")
