# Hidden: run in a checkout of the result.
set -eu
for n in 1 2 3 4 5; do
    echo "$n" > log
    sh rotate.sh log
done
[ "$(cat log.1 log.2 log.3 | tr -d '\n')" = 543 ]
[ ! -e log.4 ] && [ ! -e log ]
rm log.2
echo 6 > log; sh rotate.sh log
[ "$(cat log.1)" = 6 ] && [ "$(cat log.2)" = 5 ]
