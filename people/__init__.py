"""People: residents with cards and consents, one time line per person; staff with grants and their sign-in."""
