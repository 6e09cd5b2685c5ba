#!/bin/sh
# with_log.sh LOG COMMAND…: what the command prints goes into LOG, and to the terminal if it fails.
log=$1
shift
"$@" >"$log" 2>&1 && exit
cat "$log" >&2
exit 1
