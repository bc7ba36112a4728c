#!/bin/sh
# Keeps a copy of a file beside it.
set -eu
cp $1 $1.kept
