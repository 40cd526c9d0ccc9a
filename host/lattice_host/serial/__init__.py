"""Serial ports: finding them, opening them, and running a link over one."""
