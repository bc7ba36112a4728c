# Hidden: run in a checkout of the result.
set -eu
python3 - <<'PY'
from stats import mean
assert mean([1, 2]) == 1.5
assert mean([3, 3, 3]) == 3
PY
