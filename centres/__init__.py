"""Centres: the organisation tree, opening hours, the calendar of workdays, policies as dated data."""
