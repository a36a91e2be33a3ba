#!/bin/sh
# The rules for .cu files (HACKING.md), where a machine can see them.  Each pattern is first shown a line that breaks the rule.
set -eu
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
cd "$abs_top_srcdir"

# The file without comments and strings, line by line.
code() {
	awk '
		{
			line = $0 " "
			gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
			if (within && sub(/^.*\*\//, "", line)) within = 0
			else if (within) line = ""
			gsub(/\/\*([^*]|\*+[^*\/])*\*+\//, "", line)
			if (sub(/\/\*.*$/, "", line)) within = 1
			sub(/\/\/.*$/, "", line)
			print line
		}' "$1"
}

# "FILE:LINE: ..." of the code of these files that matches the pattern.
matches() { # pattern, file ...
	pattern=$1
	shift
	for file; do
		code "$file" | grep -nE -- "$pattern" | sed "s|^|$file:|" || true
	done
}

# Nothing of the pattern in these files, and the pattern finds the example.
forbid() { # name, pattern, example, file ...
	name=$1 wanted=$2
	printf '%s\n' "$3" >"$scratch/example.cu"
	shift 3
	if [ -z "$(matches "$wanted" "$scratch/example.cu")" ]; then
		echo "# the pattern does not find what it is for"
		not_ok "$name"
	else
		check_empty "$name" "$(matches "$wanted" "$@")"
	fi
}

first_includes() {
	for file in kernels/*.cu; do
		first=$(grep -m 1 '^#include' "$file" || true)
		[ "$first" = '#include "gpu.h"' ] || echo "$file: begins with $first"
	done
}

# Includers of the device's headers beside the one that may hold the word.
others() { # file that is left out
	for file in kernels/*.[ch] kernels/*.cu; do
		[ "$file" = "$1" ] || echo "$file"
	done
}

word='(^|[^A-Za-z0-9_])'
end='([^A-Za-z0-9_]|$)'
device=$(grep -lE '__(global|device)__|HOST_DEVICE' kernels/*.h | grep -v '^kernels/gpu.h$' || true)
plan 11
check_empty "gpu.h comes first" "$(first_includes)"
# shellcheck disable=SC2046 # lists of files
forbid "launches are LAUNCH of gpu.h" '<<<' '	kernel<<<1, 2>>>(3);' $(others kernels/gpu.h)
# shellcheck disable=SC2046
forbid "gpu.h alone asks for the compiler" '__CUDACC__|__CUDA_ARCH__' '#ifdef __CUDA_ARCH__' $(others kernels/gpu.h | grep -v host_device.h)
# shellcheck disable=SC2086
{
	forbid "C, and templates over the element type" \
		"${word}(class [A-Z_a-z0-9]+ *[{:;]|namespace|std::|auto|new|delete|virtual|try|catch|throw|using|constexpr|operator)$end|\[[=&]?\] *[({]" \
		'	auto f = [=] { return 0; };' kernels/*.cu $device
	forbid "the math library's functions, not the fast ones" \
		"${word}__(expf|logf|log2f|log10f|powf|sinf|cosf|tanf|sincosf|exp10f|fdividef|saturatef)$end" '	y = __expf(x);' kernels/*.cu $device
	forbid "no atomics: sums have an order" "${word}atomic[A-Z][A-Za-z]*" '	atomicAdd(&sum, x);' kernels/*.cu $device
	forbid "shared memory is static" "extern[[:space:]]+(__align__\([0-9]*\)[[:space:]]*)?__shared__" '	extern __shared__ float s[];' \
		kernels/*.cu $device
	forbid "whole blocks and whole warps work together" \
		"__syncwarp|__syncthreads_|__(ballot|any|all|match_any|match_all|activemask|reduce_[a-z]+)(_sync)?$end|cooperative_groups" \
		'	if (__any_sync(m, x))' kernels/*.cu $device
	forbid "no assembly, textures, constant or managed memory" \
		"${word}(asm|__asm__|tex[123]D[A-Za-z]*|cudaTextureObject_t|__constant__|__managed__|malloc|printf)$end" '	asm("nop;");' \
		kernels/*.cu $device
	forbid "kernels' files neither allocate nor wait" \
		"cuda(Malloc|Free|HostAlloc|(Device|Stream|Event)Synchronize|Memcpy|Memset)(Host|Managed|Async)? *\(" '	cudaMemcpy(a, b, 4, c);' kernels/*.cu
	# shellcheck disable=SC2046
	forbid "shuffles are the reductions' of gpu_*.h" '__shfl' '	x += __shfl_xor_sync(m, x, 1);' \
		$(others none | grep -v '^kernels/gpu_')
}
