#!/bin/sh
# Removes temporary files of a folder; with `-n` it only says which.
set -eu
if [ "$1" = -n ]; then
    find "$2" -type f -name '*.tmp' -exec printf 'would remove %s\n' {} \;
else
    find "$1" -type f -name '*.tmp' -exec rm {} +
fi
