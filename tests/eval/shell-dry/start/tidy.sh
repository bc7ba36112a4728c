#!/bin/sh
# Removes temporary files of a folder.
set -eu
find "$1" -type f -name '*.tmp' -exec rm {} +
