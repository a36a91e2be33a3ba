# table.sh - what peers.sh has measured, as a table; to be sourced.  $scratch/figures has a file of values for each figure,
# column and variant (FIGURE.COLUMN.VARIANT), and one with the reason, *.missing, for what is left out.
# shellcheck shell=sh
# shellcheck disable=SC2154

label() {
	case $1 in
	version) echo "\`reliquary --version\`, ms" ;;
	start) echo "start of a run of ResNet-50 until training begins, s" ;;
	save) echo "training stands still for a checkpoint of ResNet-50, s" ;;
	reads) echo "random reads from a packed set, records/s a core" ;;
	pack) echo "packing JPEG with a check by decoding, images/s a core" ;;
	unchecked) echo "the same less the check and waiting for the disk, images/s a core" ;;
	crops) echo "decode, one crop of 224 and flip, images/s a core" ;;
	views) echo "decode, 4 x 224 + 2 x 96 views, views/s a core" ;;
	memory2) echo "peak memory, ResNet-50, batch 8, 2 views of 224, GB" ;;
	memory6) echo "peak memory, ResNet-50, batch 8, 4 x 224 + 2 x 96, GB" ;;
	recompute) echo "the same with train.recompute=views, GB" ;;
	step18) echo "training step, ResNet-18, batch 8, 2 threads, images/s" ;;
	step50) echo "training step, ResNet-50, batch 8, 2 threads, images/s" ;;
	ranks) echo "2 ranks of 1 thread each, ResNet-50, images/s (ratio to 1 rank of 2)" ;;
	esac
}
median() { # file
	sort -g "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
# The best median of a column over its variants; nothing where there is none.
best() { # figure, column
	case $1 in memory*) order=-g ;; *) order=-gr ;; esac
	for file in "$scratch/figures/$1.$2".*; do
		case $file in *.missing | *\*) ;; *) median "$file" ;; esac
	done | sort $order | head -n 1
}
cell() {
	echo "${1:--}" | awk '{ print ($1 == "-" ? "" : $1 >= 100 ? sprintf("%.0f", $1) : sprintf("%.3g", $1)) }'
}
row() { # figure
	if [ "$1" = ranks ]; then
		ours=$(best ranks two) single=$(best ranks ours)
		ratio=$(echo "${ours:-0} ${single:-0}" | awk '{ if ($1 > 0 && $2 > 0) printf "%.2f", $1 / $2 }')
		echo "| $(label ranks) | $(cell "$ours") | | | | | $ratio |"
		return
	fi
	ours=$(best "$1" ours) line='' peers=''
	for column in torchvision OpenCV PyTorch h5py; do
		value=$(best "$1" $column)
		line="$line $(cell "$value") |"
		peers="$peers $value"
	done
	ratio=$(echo "$1 ${ours:-0} $peers" | awk '{
		less = $1 ~ /memory/
		for (i = 3; i <= NF; i++)
			if (!best || (less ? $i < best : $i > best))
				best = $i
		if (best && $2)
			printf "%.2f", (less ? best / $2 : $2 / best)
	}')
	echo "| $(label "$1") | $(cell "$ours") |$line $ratio |"
}
versions() {
	for python in $pythons; do
		"$python" - <<-'END'
			import importlib, sys
			found = []
			for name in "torch", "torchvision", "PIL", "cv2", "h5py", "numpy":
			    try:
			        found.append(name + " " + importlib.import_module(name).__version__)
			    except ImportError:
			        pass
			print("* Python", sys.version.split()[0] + ":", ", ".join(found) or "none of the peers")
		END
	done
}
table() { # command, load
	echo "| what | ours | torchvision | OpenCV | PyTorch | h5py | times better than the best peer |"
	echo "|---|---:|---:|---:|---:|---:|---:|"
	for name in $(echo "$only" | tr , ' '); do row "$name"; done
	echo
	echo "Medians of $repeats, ours and peers in turn; \`$1\`; $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)," \
		"$cores cores, load before $2.  Images: $about."
	echo
	versions
	for file in "$scratch"/figures/*.missing; do
		[ -e "$file" ] || continue
		name=$(basename "$file" .missing)
		echo "* left out: $(echo "$name" | tr . ' '): $(cat "$file")"
	done
}
