# Hidden: run in a checkout of the result.
set -eu
python3 - <<'PY'
from cache import Cache
c = Cache(2)
c.put("a", 1); c.put("b", 2); assert c.get("a") == 1
c.put("c", 3)
assert c.get("b") is None and c.get("a") == 1 and c.get("c") == 3
c.put("a", 4); c.put("d", 5)
assert c.get("c") is None and c.get("a") == 4
e = Cache()
for n in range(1000): e.put(n, n)
assert e.get(0) == 0
PY
