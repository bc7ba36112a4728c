# Hidden: run in a checkout of the result.
set -eu
printf '10 books\n2.5 tea\n' > list.txt
[ "$(python3 expenses.py list.txt)" = "10.00 books
2.50 tea" ]
[ "$(python3 expenses.py --total list.txt | tail -n 1)" = "total 12.50" ]
[ "$(python3 expenses.py --total list.txt | wc -l)" -eq 3 ]
