"""Verbs of the canteen, one family a file. Locks are taken in the order of docs/scarce-things.md."""
