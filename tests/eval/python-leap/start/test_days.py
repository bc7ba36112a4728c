"""Tests of days.py."""

from days import days

assert days(2024) == 366
assert days(2023) == 365
assert days(1900) == 365
assert days(2000) == 366
