# Hidden: run in a checkout of the result.
set -eu
mkdir -p d/e
: > d/a.tmp; : > "d/e/b c.tmp"; : > d/keep
sh tidy.sh -n d | sort > said
[ "$(cat said)" = "would remove d/a.tmp
would remove d/e/b c.tmp" ]
[ -e d/a.tmp ] && [ -e "d/e/b c.tmp" ]
sh tidy.sh d
[ ! -e d/a.tmp ] && [ ! -e "d/e/b c.tmp" ] && [ -e d/keep ]
