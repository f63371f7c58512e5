"""The ways out of this house, one a file: e-mail, SMS, groups of staff, other programs, the hall's screen."""
