"""What differs between the machines a stick can be: the block device, the serial port, LED and button, the clock."""
