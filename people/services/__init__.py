"""Verbs about people, one family a file."""
