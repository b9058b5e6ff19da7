#!/bin/sh
# Makes test/oracle/casa-digest.json: what python-casacore reads from every table in the shared data.
# Run: sh test/oracle/casa-digest.sh SHARED_DATA > test/oracle/casa-digest.json
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for archive in "$1"/visibilities/*/*.tar.gz; do
	set_name=$(basename "$(dirname "$archive")")
	mkdir -p "$work/$set_name"
	tar -xzf "$archive" -C "$work/$set_name" 2>/dev/null
done
/usr/bin/python3 "$here/casa_digest.py" "$work"/*
