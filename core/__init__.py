"""Ground floor: what every area stands on. Imports nothing of the project but itself."""
