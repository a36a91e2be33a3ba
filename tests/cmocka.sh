#!/bin/sh
# Runs a test program.  cmocka 1.1 calls a skipped case "not ok N # SKIP", which readers of TAP take for a failure.
exec 4>&1
status=$({ { "$@"; echo $? >&3; } | sed 's/^not ok \([0-9]* # SKIP\)/ok \1/' >&4; } 3>&1)
exit "$status"
