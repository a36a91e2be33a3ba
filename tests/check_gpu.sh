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
	if [ $status -eq 0 ] && ! echo "$output" | grep -q '^not ok'; then
		echo "PASS: $what"
	else
		echo "FAIL: $what (status $status)"
		failed=$((failed + 1))
	fi
}

# Operations of a training step of one image: ResNet-50 has 4.089e9 multiply-adds at 224 x 224 (pixels count in
# proportion), a multiply-add is two, backward costs twice forward, the target network sees the large views only.
speed() { # precision, line of the device's peak
	peak=$(echo "$device" | sed -n "$2p")
	figures=$("$RELIQUARY" bench --json --device=cuda --precision="$1" --train.batch="${BATCH:-64}" --data.lanes="${BATCH:-64}" \
		--images 64 --seconds 5 --repeats 3) || return 1
	echo "$figures" | awk -F'[:,}]' -v peak="$peak" -v batch="${BATCH:-64}" -v precision="$1" '
		{ for (i = 1; i < NF; i++) if ($i == "\"step_images_per_s\"") rate = $(i + 1) }
		END {
			large = 4.089e9; small = large * 96 * 96 / (224 * 224)
			tflops = rate * 2 * (3 * (4 * large + 2 * small) + 4 * large) / 1e12
			printf "%s: batch %d, %.1f ms a step, %.1f images/s, %.1f TFLOP/s", precision, batch, 1e3 * batch / rate, rate, tflops
			if (peak > 0) printf ", %.0f %% of the peak of %g", 100 * tflops / peak, peak
			print ""
			exit !(rate > 0)
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
