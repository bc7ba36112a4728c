# Hidden: run in a checkout of the result.
set -eu
printf x > "a b"
sh keep.sh "a b"
[ "$(cat "a b.kept")" = x ]
