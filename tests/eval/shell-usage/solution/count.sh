#!/bin/sh
# Counts the lines of a file.
if [ $# -ne 1 ]; then
    echo "usage: count.sh FILE" >&2
    exit 2
fi
if [ ! -r "$1" ]; then
    echo "count.sh: $1 cannot be read" >&2
    exit 2
fi
wc -l < "$1"
