#!/bin/sh
# Includes go downwards only, and a vendor's header stays in its own few files.
set -eu
. "$abs_top_srcdir/tests/tap.sh"
cd "$abs_top_srcdir"

# What a folder of src/ may include beside itself: all that is below it; HACKING.md draws it.
below() {
	case $1 in
	base) echo none ;;
	data | comm) echo base ;;
	views) echo base data ;;
	nn) echo base data views comm ;;
	objective | optim) echo base data views comm nn ;;
	train) echo base data views comm nn objective optim ;;
	eval) echo base data views comm nn objective optim train ;;
	cli) echo base data views comm nn objective optim train eval ;;
	esac
}

# Lines "FILE:LINE:#include ..." of folder $1 that include what is not below it.
upward_includes() {
	allowed=$(echo "$1 $(below "$1")" | tr ' ' '|')
	grep -nE '^[[:space:]]*#[[:space:]]*include "[a-z_]+/' "src/$1"/*.[ch] |
		grep -vE "include \"($allowed)/" || true
}

# Files that include header $1 though they match none of the patterns that follow.
strays() {
	header=$1
	shift
	for file in $(grep -lE "^[[:space:]]*#[[:space:]]*include [<\"](${header})[>\"]" src/*/*.[ch] kernels/*.[ch] kernels/*.cu \
		data_tools/*.[ch] 2>/dev/null || true); do
		allowed=no
		for pattern; do
			# shellcheck disable=SC2254 # a pattern is meant
			case $file in $pattern) allowed=yes ;; esac
		done
		[ $allowed = yes ] || echo "$file includes $header"
	done
}

cuda_headers='cuda|cuda_(runtime|runtime_api|bf16|fp16|occupancy|profiler_api)|(cudnn|cublas|nccl)[a-zA-Z0-9_]*'
cuda_headers="($cuda_headers)\.h"

plan 23
for folder in base data views comm nn objective optim train eval cli; do
	check_empty "src/$folder includes only what is below it" "$(upward_includes "$folder")"
done
check_empty "kernels/ includes only base, data, views, comm and nn" "$(grep -nE '^#include "[a-z_]+/' kernels/*.[ch] kernels/*.cu |
	grep -vE 'include "(base|data|views|comm|nn)/' || true)"
check_empty "data_tools/ includes only base, data, views and nn" "$(grep -nE '^#include "[a-z_]+/' data_tools/*.[ch] |
	grep -vE 'include "(base|data|views|nn)/' || true)"
check_empty "only cli includes headers of data_tools/, none of kernels/" "$(
	grep -nE '^#include "[^/]+"' src/*/*.[ch] | grep -v '"autoconfig.h"' |
		while IFS='"' read -r place header _; do
			case $place in
			src/cli/*) [ -e "data_tools/$header" ] || echo "$place$header" ;;
			*) echo "$place$header" ;;
			esac
		done)"
check_empty "mpi.h" "$(strays mpi.h 'src/comm/*' src/base/die.c)"
check_empty "hdf5.h" "$(strays hdf5.h 'src/data/shard*' 'src/train/checkpoint*' 'src/train/dump*')"
check_empty "jpeglib.h" "$(strays 'jpeglib.h|turbojpeg.h' 'src/data/jpeg*.c')"
check_empty "png.h of libpng" "$(strays png.h 'src/data/png*.c')"
check_empty "dnnl.h" "$(strays '.*dnnl.*\.h' 'kernels/*')"
check_empty "headers of CUDA, cuBLAS, cuDNN and NCCL" "$(strays "$cuda_headers" 'kernels/*cuda*' kernels/gpu.h)"
check_empty "yaml.h" "$(strays yaml.h 'src/base/config*.c' src/data/dataset.c)"
check_empty "archive.h" "$(strays 'archive(_entry)?.h' 'data_tools/*')"
check_empty "setjmp.h" "$(strays setjmp.h 'src/data/jpeg*.c' 'src/data/png*.c')"

# The patterns above find something: each header is included where it may be.
check_empty "every one of these headers is in use" "$(
	for header in mpi.h hdf5.h jpeglib.h png.h yaml.h archive.h 'dnnl.*\.h' "$cuda_headers"; do
		grep -qsE "include <(.*/)?$header>" src/*/*.[ch] kernels/*.[ch] kernels/*.cu data_tools/*.[ch] || echo "$header: nowhere"
	done)"
