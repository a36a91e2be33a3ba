#!/bin/sh
# make check-gpu: on this host's first GPU with the real libraries, the tests of the kernels (their programs are the
# arguments), 20 steps against the CPU, and the speed of the paper's step.  Status 77 where there is no GPU.
device=$("$abs_top_builddir/tests/gpu_device")
status=$?
if [ $status -ne 0 ]; then
	echo "check-gpu: skipped, there is no usable GPU: $device"
	exit $status
fi
name=$(echo "$device" | sed -n 1p)
echo "GPU: $name"
failed=0
RELIQUARY_TEST_DEVICE=cuda
export RELIQUARY_TEST_DEVICE

# One command's output as it is, then its verdict; TAP's "not ok" counts though the status is 0.
judge() { # name, command ...
	what=$1
	shift
	output=$("$@" 2>&1)
	status=$?
	echo "$output"
	if echo "$output" | grep -q '^1\.\.0 # SKIP'; then
		echo "SKIP: $what"
	elif [ $status -eq 0 ] && ! echo "$output" | grep -q '^not ok'; then
		echo "PASS: $what"
	else
		echo "FAIL: $what (status $status)"
		failed=$((failed + 1))
	fi
}

# The paper's step, as 'bench' measures it; a multiply-add is two operations there and in the peak.
speed() { # precision, line of the device's peak
	peak=$(echo "$device" | sed -n "$2p")
	figures=$("$RELIQUARY" bench --json --device=cuda --precision="$1" --train.batch="${BATCH:-64}" --data.lanes="${BATCH:-64}" \
		--images 64 --seconds 5 --repeats 3) || return 1
	echo "$figures" | awk -F'[:,}]' -v peak="$peak" -v batch="${BATCH:-64}" -v precision="$1" '
		{ sub(/^\{/, ""); for (i = 1; i < NF; i++) figure[$i] = $(i + 1) }
		END {
			rate = figure["\"step_images_per_s\""]
			tflops = figure["\"step_operations_per_s\""] / 1e12
			if (!(rate > 0) || !(tflops > 0)) { print "bench did not tell: " $0; exit 1 }
			printf "%s: batch %d, %.1f ms a step, %.1f images/s, %.1f TFLOP/s", precision, batch, 1e3 * batch / rate, rate, tflops
			if (peak > 0) printf ", %.0f %% of the peak of %g", 100 * tflops / peak, peak
			print ""
		}'
}

for program; do
	judge "$program" "./$program"
done
judge "20 steps on the CPU and on CUDA" sh "$abs_top_srcdir/tests/cuda_train.sh"
judge "speed with float32" speed float32 2
judge "speed with tf32" speed tf32 3
judge "speed with bf16" speed bf16 4
echo "check-gpu on $name: $failed failed"
[ $failed -eq 0 ]
