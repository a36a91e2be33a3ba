#!/bin/sh
# What each kernel takes of a multiprocessor, as ptxas told it when the kernels were compiled: registers, local memory,
# shared memory, and the share of the threads that can be resident at a time.  Fails where registers spill into memory
# or static shared memory is over the 48 KiB that a kernel may ask for.
. "$abs_top_srcdir/tests/tap.sh"
[ -z "$CUDA_MISSING" ] || skip_all "no CUDA back end here: $CUDA_MISSING"
cd "$abs_top_srcdir" || exit 1

# Lines "KERNEL THREADS": each __global__ function and the threads of its blocks, which are those of its
# __launch_bounds__, else BLOCK of its file.
blocks() {
	cat kernels/*.h "$1" | awk '
		{ sub(/\/\/.*/, ""); text = text " " $0 }
		END {
			gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", text)
			while (match(text, /[A-Z][A-Z0-9_]* = [0-9]+/)) {
				split(substr(text, RSTART, RLENGTH), pair, " = ")
				value[pair[1]] = pair[2]
				rest = rest substr(text, 1, RSTART - 1) "@"
				text = substr(text, RSTART + RLENGTH)
			}
			text = rest text
			while (match(text, /__global__[^({;]*(__launch_bounds__\([^)]*\)[^({;]*)?\(/)) {
				head = substr(text, RSTART, RLENGTH - 1)
				text = substr(text, RSTART + RLENGTH)
				bound = "BLOCK"
				if (match(head, /__launch_bounds__\([A-Za-z0-9_]+/))
					bound = substr(head, RSTART + 18, RLENGTH - 18)
				sub(/__launch_bounds__\([^)]*\)/, "", head)
				n = split(head, words, /[ \t]+/)
				while (n > 1 && words[n] == "") n--
				print words[n], bound in value ? value[bound] : bound + 0
			}
		}'
}

# Lines "KERNEL ARCHITECTURE REGISTERS STACK SPILL SHARED", with the kernel's name as in the source.
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
			print kernel, arch, registers, stack, spill, shared
		}' "$1" | c++filt | sed -E 's/\(anonymous namespace\):://g; s/^void //; s/\(.*\) (sm_)/ \1/; s/, /,/g'
}

# Occupancy by the rules of cuda_occupancy.h: registers are dealt to warps by 256, shared memory to blocks by 128 bytes and 1 KiB
# of the system; 65536 registers in four parts, 64 warps, 32 blocks; 164 KiB (8.0) or 228 KiB (9.0) of shared memory.
table() {
	awk '
		function min(a, b) { return a < b ? a : b }
		function up(a, unit) { return int((a + unit - 1) / unit) * unit }
		NR == FNR { threads[$1] = $2; next }
		{
			name = $1; sub(/<.*/, "", name)
			if (!(threads[name] > 0)) { print "# " $1 ": how many threads has a block?"; bad = 1; next }
			warps = up(threads[name], 32) / 32
			n = min(32, int(64 / warps))
			n = min(n, int(4 * int(16384 / up($3 * 32, 256)) / warps))
			n = min(n, int(($2 == "sm_80" ? 164 : 228) * 1024 / up($6 + 1024, 128)))
			printf "# %-44s %s %9d %6d %6d %7d %6d %8.0f %%\n", $1, $2, $3, $4, $5, $6, threads[name], 100 * n * warps / 64
			if ($5 > 0) { print "# " $1 " spills registers on " $2; bad = 1 }
			if ($6 > 49152) { print "# " $1 " has over 48 KiB of static shared memory"; bad = 1 }
		}
		END { exit bad || FNR == 0 }' "$1" "$2"
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
