#!/bin/sh
# What each kernel takes of a multiprocessor, as ptxas told it when the kernels were compiled: registers, local memory,
# shared memory, and the share of the threads that can be resident at a time.  Fails where registers spill into memory
# or static shared memory is over the 48 KiB that a kernel may ask for.
. "$abs_top_srcdir/tests/tap.sh"
[ -z "$CUDA_MISSING" ] || skip_all "no CUDA back end here: $CUDA_MISSING"
cd "$abs_top_srcdir" || exit 1

# Lines "KERNEL THREADS": each __global__ function and the threads of its blocks, which are those of its
# __launch_bounds__, else BLOCK of its file: a number, a constant, or such with * and / between.
blocks() {
	cat kernels/*.h "$1" | awk '
		function number(expression,    words, n, i, result) {
			gsub(/[*\/]/, " & ", expression)
			n = split(expression, words, /[ \t]+/)
			result = ""
			for (i = 1; i <= n; i++) {
				if (words[i] == "" || words[i] == "*" || words[i] == "/") continue
				if (words[i] in value) words[i] = value[words[i]]
				if (words[i] !~ /^[0-9]+$/) return 0
				result = result == "" ? words[i] : words[i - 1] == "/" ? int(result / words[i]) : result * words[i]
			}
			return result
		}
		{ sub(/\/\/.*/, ""); text = text " " $0 }
		END {
			gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", text)
			rest = text
			while (match(rest, /[A-Z][A-Z0-9_]* *= *[A-Z0-9_*\/ ]+[,}]/)) {
				split(substr(rest, RSTART, RLENGTH - 1), pair, / *= */)
				value[pair[1]] = number(pair[2])
				rest = substr(rest, RSTART + RLENGTH)
			}
			while (match(text, /__global__[^({;]*(__launch_bounds__\([^)]*\)[^({;]*)?\(/)) {
				head = substr(text, RSTART, RLENGTH - 1)
				text = substr(text, RSTART + RLENGTH)
				bound = "BLOCK"
				if (match(head, /__launch_bounds__\([^,)]+/))
					bound = substr(head, RSTART + 18, RLENGTH - 18)
				sub(/__launch_bounds__\([^)]*\)/, "", head)
				sub(/[ \t]+$/, "", head)
				n = split(head, words, /[ \t]+/)
				print words[n], number(bound)
			}
		}'
}

# Lines "ARCHITECTURE REGISTERS STACK SPILLS SHARED KERNEL", with the kernel's name as in the source.
resources() {
	awk '
		/Compiling entry function/ { split($0, q, "\x27"); kernel = q[2]; arch = q[4]; next }
		/bytes stack frame/ { stack = $1; spill = $5 + $9; next }
		/: Used [0-9]+ registers/ {
			shared = 0
			for (i = 2; i <= NF; i++) {
				if ($i ~ /^registers/) registers = $(i - 1)
				if ($i ~ /^smem/) shared = $(i - 2)
			}
			print arch, registers, stack, spill, shared, kernel
		}' "$1" | c++filt -p | sed -E 's/, /,/g; s/ (void )?([A-Za-z0-9_]+)(<.*)?$/ \2\3/'
}

# Occupancy by the rules of cuda_occupancy.h: registers are dealt to warps by 256, shared memory to blocks by 128 bytes and 1 KiB
# of the system; 65536 registers in four parts, 64 warps, 32 blocks; 164 KiB (8.0) or 228 KiB (9.0) of shared memory.
table() {
	awk '
		function min(a, b) { return a < b ? a : b }
		function up(a, unit) { return int((a + unit - 1) / unit) * unit }
		FILENAME == ARGV[1] { threads[$1] = $2; next }
		{
			full = $6
			for (i = 7; i <= NF; i++) full = full " " $i
			name = full
			sub(/<.*/, "", name)
			if (!(threads[name] > 0)) {
				print "# " full ": how many threads has a block? (__launch_bounds__, or BLOCK of the file)"
				bad = 1
				next
			}
			warps = up(threads[name], 32) / 32
			n = min(32, int(64 / warps))
			n = min(n, int(4 * int(16384 / up($2 * 32, 256)) / warps))
			n = min(n, int(($1 == "sm_80" ? 164 : 228) * 1024 / up($5 + 1024, 128)))
			printf "# %-44s %s %9d %6d %6d %7d %6d %8.0f %%\n", full, $1, $2, $3, $4, $5, threads[name], 100 * n * warps / 64
			if ($4 > 0) { print "# " full " spills registers on " $1; bad = 1 }
			if ($5 > 49152) { print "# " full " has over 48 KiB of static shared memory"; bad = 1 }
			seen++
		}
		END { exit bad || !seen }' "$1" "$2"
}

report() { # kernels/NAME
	[ -s "$abs_top_builddir/$1.ptxas" ] || { echo "# there is no $1.ptxas"; return 1; }
	blocks "$1.cu" >"$scratch/blocks"
	resources "$abs_top_builddir/$1.ptxas" >"$scratch/resources"
	table "$scratch/blocks" "$scratch/resources"
}

make_scratch
set -- kernels/*.cu
plan $#
printf '# %-44s %s %9s %6s %6s %7s %6s %s\n' kernel "     " registers stack spills shared block occupancy
for file; do
	check "$file: no spills, at most 48 KiB shared" report "${file%.cu}"
done
