"""The console: one face over all areas. Today board, search, people, devices, settings."""
