#!/bin/sh
# Stands in the list of tests where those of the CUDA back end cannot be built, and says why.
. "$abs_top_srcdir/tests/tap.sh"
skip_all "the tests of the CUDA back end: $DOUBLES_MISSING"
