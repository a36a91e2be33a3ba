#!/bin/sh
# README.md and HACKING.md name commands, settings and files that there are.
set -eu
. "$abs_top_srcdir/tests/tap.sh"
cd "$abs_top_srcdir"
texts="README.md HACKING.md"
settings=$("$RELIQUARY" pretrain --help 2>&1 || true)

# Parts of the texts that match, each once.
mentions() {
	# shellcheck disable=SC2086 # a list of files
	grep -hoE -- "$1" $texts | sort -u || true
}

unknown_commands() {
	for name in $(mentions 'reliquary [a-z][a-z-]+' | cut -d' ' -f2); do
		"$RELIQUARY" "$name" --help > /dev/null 2>&1 || echo "there is no 'reliquary $name'"
	done
}

unknown_settings() {
	for name in $(mentions '--[a-z]+\.[a-z_]+' | cut -c3-); do
		echo "$settings" | grep -qF -- "--$name=" || echo "there is no setting '$name'"
	done
}

missing_files() {
	for file in $(mentions '(^|[^A-Za-z0-9_./-])(jobs|tests|src|kernels|data_tools|m4)/[A-Za-z0-9_/.-]*[A-Za-z0-9_/]' |
		sed -E 's/^[^a-z]+//'); do
		case $file in *[A-Z][A-Z][A-Z]* | jobs/site.env) continue ;; esac # a name to be chosen, or the user's file
		[ -e "$file" ] || [ -e "$file.c" ] || echo "there is no '$file'"
	done
}

plan 4
check "there are texts, and they name a command" test -n "$(mentions 'reliquary [a-z][a-z-]+')"
check_empty "every command named is there" "$(unknown_commands)"
check_empty "every setting named is there" "$(unknown_settings)"
check_empty "every file named is there" "$(missing_files)"
