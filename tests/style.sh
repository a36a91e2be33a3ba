#!/bin/sh
# What can be checked of the style by machine.
set -eu
. "$abs_top_srcdir/tests/tap.sh"
cd "$abs_top_srcdir"
sources=$(find src kernels data_tools tests -name '*.[ch]' -o -name '*.cu' -o -name '*.cc' | sort)
scripts=$(find jobs tests .ci -name '*.sh' -o -name '*.sbatch' -o -name submit 2>/dev/null | sort)
folders="src kernels data_tools tests jobs m4"

# "FILE: ..." of files and of functions that are too long to read.
long_files() {
	# shellcheck disable=SC2086
	wc -l $sources $scripts | awk '$1 > 400 && $2 != "total" { print $2 ": " $1 " lines (400 at most)" }'
}

long_functions() {
	# shellcheck disable=SC2086
	awk '/^{/ { begin = FNR } /^}/ && begin { if (FNR - begin > 61)
		print FILENAME ":" begin ": a function of " FNR - begin - 1 " lines (60 at most)"; begin = 0 }' $sources
}

# The language of a header: those of kernels are C++; those of CUDA and its doubles need CUDA's.
language() {
	case $1 in
	kernels/gpu*.h | tests/double/simt*.h) [ -n "$DOUBLES_MISSING" ] || echo "-x c++ -std=c++17 -I tests/double" ;;
	kernels/*cuda*.h | tests/double/*.h) [ -n "$DOUBLES_MISSING" ] || echo "-x c -std=gnu11" ;;
	*) echo "-x c -std=gnu11" ;;
	esac
}

dependent_headers() {
	for header in $(echo "$sources" | grep '\.h$'); do
		language=$(language "$header")
		[ -n "$language" ] || continue
		# shellcheck disable=SC2046,SC2086 # lists of flags
		echo "#include \"$abs_top_srcdir/$header\"" |
			${CC:-cc} -fsyntax-only -Wall -Werror -I src -I kernels -I data_tools -I tests -I "$abs_top_builddir" $CUDA_CFLAGS \
				$(pkg-config --cflags hdf5-serial 2>/dev/null) $language - 2>&1 | head -n 3
	done
}

unformatted_files() {
	for file in $sources; do
		clang-format --dry-run --Werror "$file" 2> /dev/null || echo "clang-format -i $file"
	done
}

plan 6
if command -v clang-format > /dev/null; then
	check_empty "clang-format agrees" "$(unformatted_files)"
else
	skip "clang-format agrees" "there is no clang-format here"
fi
if command -v shellcheck > /dev/null; then
	# shellcheck disable=SC2086
	check_empty "shellcheck agrees" "$(shellcheck -x -S warning -e SC1091,SC2154 -f gcc $scripts 2>&1 || true)"
else
	skip "shellcheck agrees" "there is no shellcheck here"
fi
check_empty "files and functions are short" "$(long_files; long_functions)"
check_empty "each header stands alone" "$(dependent_headers)"
# shellcheck disable=SC2086
check_empty "no blanks at ends of lines" "$(grep -rnI '[[:blank:]]$' $folders README.md HACKING.md || true)"
# shellcheck disable=SC2086
check_empty "nothing is left for later" "$(grep -rnIwE 'T[O]DO|F[I]XME|X[X]X' $folders || true)"
