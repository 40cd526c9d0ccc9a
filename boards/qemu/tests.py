# Frozen into the machine of the tests: the whole core, its storage on flash, the firmware, and what starts a test.
include("../core.py", whole=True)
package("firmware", base_path="../..")
freeze("modules", ("main.py",))
