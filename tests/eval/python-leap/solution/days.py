"""Days of years."""


def is_leap(year):
    """Whether a year has a 29th of February."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days(year):
    """Days of a year."""
    return 365 + is_leap(year)
