#!/bin/sh
# Counts the lines of a file.
cat $1 | wc -l
