# Frozen into the interpreter of the tests: the whole core, its storage on flash and the firmware.
include("../core.py", whole=True)
package("firmware", base_path="../..")
