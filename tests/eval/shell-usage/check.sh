# Hidden: run in a checkout of the result.
set -eu
printf 'a\nb\n' > "two lines"
[ "$(sh count.sh "two lines" | tr -d ' ')" = 2 ]
code=0; sh count.sh < /dev/null 2> err > out || code=$?
[ "$code" = 2 ] && grep -q "usage: count.sh FILE" err && [ ! -s out ]
code=0; sh count.sh missing 2> err > out || code=$?
[ "$code" = 2 ] && grep -q missing err && [ ! -s out ]
