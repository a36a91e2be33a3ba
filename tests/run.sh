#!/usr/bin/env bash
# Install what is needed, build, run every test; the last line counts them.
# Beside 'make check' with gcc: the unit tests under sanitizers, a build with clang, 'make distcheck'.
set -euo pipefail

usage() {
	cat <<END
usage: tests/run.sh [--quick]
Installs what is missing, builds in build/ and runs all tests; ends with 'N passed, N failed'.
  --quick   only 'make check' in build/: no sanitizers, no clang, no 'make distcheck'
END
}

quick=no
case ${1-} in
"") ;;
--quick) quick=yes ;;
-h | --help) usage; exit 0 ;;
*) echo "$0: there is no option '$1' (see --help)" >&2; exit 2 ;;
esac

cd "$(dirname "$0")/.."
top=$PWD
jobs=${JOBS:-2}
passed=0 failed=0 skipped=0
log=$(mktemp)
skips=$(mktemp)
trap 'rm -f "$log" "$skips"' EXIT

# Configure in folder $1 with the rest as arguments, unless that was done.
configure_in() {
	local folder=$1
	shift
	[ -e configure ] || autoreconf -fi > "$log" 2>&1 || { cat "$log"; return 1; }
	mkdir -p "$folder"
	[ -e "$folder/Makefile" ] || (cd "$folder" && "$top/configure" -q --enable-werror "$@")
}

# Sum of automake's counts of this name in its summaries in $log.
count() {
	awk -v name="# $1:" 'index($0, name) == 1 { n += $3 } END { print n + 0 }' "$log"
}

# One more test, which passed if the status $2 is 0.
count_one() {
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		echo "PASS: $1"
	else
		failed=$((failed + 1))
		echo "FAIL: $1"
	fi
}

title() {
	printf '\n== %s (%d s)\n' "$1" "$SECONDS"
}

# The beginning of the log of each failing test in folder $1.
show_failures() {
	grep -lE '^:global-test-result: (FAIL|XPASS|ERROR)' "$1"/tests/*.trs | while read -r trs; do
		echo "--- ${trs%.trs}.log ($(wc -l < "${trs%.trs}.log") lines)"
		head -n 60 "${trs%.trs}.log"
	done
}

# What was not run in folder $1, and why.
show_skips() {
	grep -lE '^:test-result: SKIP' "$1"/tests/*.trs | while read -r trs; do
		grep -hiE '^(1\.\.0|ok .*) # skip' "${trs%.trs}.log" | sed "s|^|SKIP: ${trs%.trs}: |" || true
	done
}

# 'make check' in folder $1, one line a file and a case, then the logs of what failed.  A failure to get so far is one, too.
check_in() {
	local bad
	{ make -C "$1" -j"$jobs" --no-print-directory check 2>&1 || echo "make failed"; } | tee "$log" |
		grep -E --line-buffered '^(  [A-Z]+ |[A-Z]+: )|(error|warning): |undefined reference' || true
	bad=$(($(count FAIL) + $(count XPASS) + $(count ERROR)))
	passed=$((passed + $(count PASS)))
	skipped=$((skipped + $(count SKIP)))
	show_skips "$1" >> "$skips"
	failed=$((failed + bad))
	if [ $bad -gt 0 ]; then
		show_failures "$1"
	elif grep -q '^make failed' "$log"; then
		count_one "make check in $1" 1
	fi
}

build_and_check() { # folder, configure's arguments
	if configure_in "$@"; then
		check_in "$1"
	else
		count_one "configure in $1" 1
	fi
}

# A command whose output matters only when it fails.
quietly() { # name, command ...
	local name=$1 status=0
	shift
	"$@" > "$log" 2>&1 || status=$?
	[ $status -eq 0 ] || tail -n 60 "$log"
	count_one "$name" $status
}

build_with_clang() {
	configure_in build-clang CC=clang NVCC_GENCODE=-arch=sm_90 && make -C build-clang -j"$jobs" check TESTS=
}

title "packages"
jobs/install.sh build demo test
title "build and tests"
build_and_check build
if [ $quick = no ]; then
	title "unit tests with AddressSanitizer and UndefinedBehaviorSanitizer"
	# Their checks make gcc see truncations that cannot be: warnings are the other builds' matter.  nvcc's objects are
	# not run here: one architecture is enough.
	build_and_check build-sanitizers --enable-sanitizers --enable-checks=unit --disable-werror CFLAGS='-g -O1' \
		CXXFLAGS='-g -O1' NVCC_GENCODE=-arch=sm_90
	title "build with clang"
	quietly "clang: no warnings" build_with_clang
	title "make distcheck"
	quietly "make distcheck" make -C build -j"$jobs" distcheck
fi

title "all"
sort -u "$skips"
line="$passed passed, $failed failed"
[ $skipped -eq 0 ] || line="$line, $skipped skipped"
echo "$line"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
