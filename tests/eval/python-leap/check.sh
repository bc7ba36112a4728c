# Hidden: run in a checkout of the result.
set -eu
python3 - <<'PY'
from days import days, is_leap
for year, leap in [(1600, True), (1700, False), (1800, False), (2000, True), (2100, False), (2028, True), (2027, False)]:
    assert is_leap(year) == leap and days(year) == 365 + leap, year
PY
python3 test_days.py
grep -q "days(1900) == 365" test_days.py
