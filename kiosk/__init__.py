"""The device and its shell: pairing, visits, idle and wipe, scanner, reading aloud, calls for help, home, my day."""
