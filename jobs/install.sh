#!/bin/sh
# Install those Debian packages of packages.txt that are missing; where there is no apt-get, tell what is missing.
set -eu

list=$(dirname "$0")/packages.txt
apt=${RELIQUARY_APT_GET:-apt-get}

usage() {
	cat <<END
usage: $0 SECTION ...
Installs what is missing of the packages that $list names in these sections:
  build  what building and running need
  demo   the pictures of the demo data
  test   what the tests need beyond that
END
}

check_section() {
	grep -qxF "# [$1]" "$list" || { echo "$0: $list has no section '$1' (see --help)" >&2; exit 2; }
}

# "PACKAGE PROBE" lines of a section.
section() {
	awk -v want="# [$1]" '/^# \[/ { on = $0 == want; next } on && NF && !/^#/ { print $1, $2 }' "$list"
}

# The words of standard input that name packages which are not installed.
missing_packages() {
	while read -r package _; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
	done
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		echo "$0: these packages are missing: $missing" >&2
		echo "$0: to install them, run this as root, or install sudo" >&2
		exit 1
	fi
}

install_packages() {
	[ -n "$missing" ] || return 0
	# One at a time, and patiently: something else may be installing too.
	options="-o DPkg::Lock::Timeout=300 -q"
	echo "installing: $missing"
	# shellcheck disable=SC2086 # options and packages are lists of words
	as_root env DEBIAN_FRONTEND=noninteractive "$apt" $options update
	# shellcheck disable=SC2086
	as_root env DEBIAN_FRONTEND=noninteractive "$apt" $options install -y --no-install-recommends $missing
}

# Is what this probe of packages.txt names here?
present() {
	case $1 in
	/*) [ -e "$1" ] ;;
	pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
	py:*) python3 -c "import ${1#py:}" 2>/dev/null || /usr/bin/python3 -c "import ${1#py:}" 2>/dev/null ;;
	*.h) echo "#include <$1>" | "${CC:-cc}" -E -x c - >/dev/null 2>&1 ;;
	*) command -v "$1" >/dev/null 2>&1 ;;
	esac
}

tell_missing() {
	status=0
	while read -r package probe; do
		present "$probe" && continue
		echo "$0: missing: $probe (on Debian in the package $package)" >&2
		status=1
	done
	[ $status -eq 0 ] || echo "$0: apt-get is not there: install these by the means of this system" >&2
	return $status
}

case ${1---help} in
-h | --help) usage; exit 0 ;;
-*) echo "$0: there is no option '$1' (see --help)" >&2; exit 2 ;;
esac
for name in "$@"; do
	check_section "$name"
done
wanted=$(for name in "$@"; do section "$name"; done)
if command -v "$apt" >/dev/null 2>&1; then
	missing=$(echo "$wanted" | missing_packages | tr '\n' ' ')
	install_packages
else
	echo "$wanted" | tell_missing
fi
