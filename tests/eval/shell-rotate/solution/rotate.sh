#!/bin/sh
# Puts a log aside, and keeps the last three.
set -eu
[ ! -e "$1.2" ] || mv "$1.2" "$1.3"
[ ! -e "$1.1" ] || mv "$1.1" "$1.2"
mv "$1" "$1.1"
