# Frozen into the interpreter: the core, its storage on flash and the firmware, imported by these names.
package("lattice_core", base_path="../../shared")
package("lattice_flash", base_path="../../shared")
package("firmware", base_path="../..")
