#!/bin/sh
# Puts a log aside.
set -eu
mv "$1" "$1.1"
