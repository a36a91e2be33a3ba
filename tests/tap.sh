# tap.sh - what the shell tests share; to be sourced.  Speaks TAP: plan N first, then N of ok, not_ok, skip or check.
# shellcheck shell=sh
tap_count=0

plan() {
	echo "1..$1"
}

# All of a test: plan and one skip, then the end.
skip_all() {
	echo "1..0 # SKIP $1"
	exit 0
}

ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

not_ok() {
	tap_count=$((tap_count + 1))
	echo "not ok $tap_count - $1"
}

skip() { # name, reason
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# Passes when the text is empty; else shows it.
check_empty() { # name, text
	if [ -z "$2" ]; then
		ok "$1"
	else
		echo "$2" | head -n 40 | sed 's/^/# /'
		not_ok "$1"
	fi
}

# Passes when the command succeeds.
check() { # name, command ...
	tap_name=$1
	shift
	if "$@"; then ok "$tap_name"; else not_ok "$tap_name"; fi
}

# A fresh folder in $scratch, removed at the end.
make_scratch() {
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 1' HUP INT TERM
}

# The first Python that has these modules ("h5py, numpy"), into $python: the user's own, else the system's.
find_python() { # modules
	for python in python3 /usr/bin/python3; do
		"$python" -c "import $1" 2>/dev/null && return
	done
	return 1
}
