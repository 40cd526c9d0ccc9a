"""The stick (MicroPython): boot, flash storage, links, LED and button."""
