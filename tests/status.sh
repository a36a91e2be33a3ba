#!/bin/sh
# reliquary status on a real run: while it goes on, after a stop, at its end; as text, table and JSON.
# shellcheck disable=SC2016 # the scripts of Python are no shell's
. "$abs_top_srcdir/tests/tap.sh"
make_scratch
. "$abs_top_srcdir/tests/program.sh"
need_photographs
find_python json || skip_all "there is no Python"
make_data
cd "$scratch" || exit 1
"$RELIQUARY" pack images/test test --shards 2 >said 2>&1 || exit 99

train() { pretrain 1 --train.steps=60 --checkpoint.every=20 --checkpoint.keep=2 --run.dir=run "$@"; }

# status ARGUMENTS...: what it says in $scratch/out and err
status() { "$RELIQUARY" status "$@" >out 2>err; }

# says TEXT...: each is in what was said
says() {
	for text; do
		grep -qF -- "$text" out || { sed 's/^/# /' out err; echo "# '$text' is missing"; return 1; }
	done
}

# json CONDITION: on s, the object that the run has in JSON
json() {
	status --json run && [ "$(wc -l <out)" = 1 ] || { sed 's/^/# /' err; return 1; }
	"$python" -c 'import json, sys
s = json.load(open("out"))
if not eval("(" + sys.argv[1] + ")"):
    print("#", sys.argv[1], "does not hold:", s)
    sys.exit(1)' "$1"
}

refused() { # STATUS WORD ARGUMENTS...
	expected=$1 word=$2
	shift 2
	status "$@"
	[ $? = "$expected" ] && [ "$(wc -l <err)" = 1 ] && grep -qF -- "$word" err || { sed 's/^/# /' err; return 1; }
}

# wait_until COMMAND...: for at most 30 s
wait_until() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 300 ] || return 1
		sleep 0.1
	done
}
has_lines() { [ "$(wc -l <run/metrics.jsonl)" -ge 5 ]; }

just_made() {
	mkdir -p fresh/checkpoints
	status fresh && says starting "no metrics yet" "no checkpoint"
}

# A long run in the background is seen running; then a file STOP ends it.
while_it_runs() {
	pretrain 1 --train.steps=1000000 --checkpoint.every=20 --checkpoint.keep=2 --run.dir=long &
	job=$!
	wait_until test -s long/metrics.jsonl && sleep 1 && status long && says running "last line" "/1000000" " left" "done at" "loss" \
		"images/s" "data wait"
	seen=$?
	touch long/STOP
	wait $job
	[ $? = 75 ] || show || return 1
	[ $seen = 0 ] && status long && says "stopped   by the file STOP" "--run.resume=true"
}
stopped() {
	train --train.stop_after=30
	[ $? = 75 ] || show || return 1
	status run && says "stopped " "step 30/60" "epoch 5.00/10" "last checkpoint: step 30" "2 kept" "resnet18 x 0.125" "batch 48" &&
		json 's["state"] == "stopped" and not s["finished"] and s["step"] == 30 and s["steps"] == 60 and s["seconds_left"] > 0'
}
finished() {
	train --run.resume=true || show || return 1
	status run && says "finished " "started 2 times" "step 60/60" "100.0 %" "last checkpoint: step 60" &&
		json 's["finished"] and s["starts"] == 2 and s["seconds_left"] == 0 and s["evaluations"] == [] and s["checkpoints"] == 2 and
			s["last_checkpoint"]["step"] == 60 and s["last_checkpoint"]["path"] == "run/checkpoints/step-000000060.h5" and
			0 <= s["last_checkpoint"]["age_s"] < 600 and s["last_checkpoint"]["bytes"] > 1e5'
}
# The numbers are those of the files.
same_numbers() {
	"$python" -c 'import json
lines = [json.loads(l) for l in open("run/metrics.jsonl")]
print(json.dumps(lines[-1]))' >last &&
		json '(lambda m: all(abs(s[k] - m[k]) <= 1e-6 * abs(m[k]) for k in ("step", "steps", "epoch", "loss", "contrastive",
			"invariance", "lr", "gradient_norm", "bad_records", "seconds")))(json.load(open("last")))' &&
		json 'abs(s["images_per_s_run"] - 60 * 48 / s["seconds"]) < 1e-3 and s["images_per_s"] > 0 and 0 <= s["data_wait"] <= 1'
}
evaluated() {
	"$RELIQUARY" eval knn --checkpoint run --each --test test --threads 1 >said 2>&1 &&
		"$RELIQUARY" eval knn --checkpoint run --random --test test --threads 1 >said 2>&1 || show || return 1
	status run && says "random knn    test" "     40 knn    test" "     60 knn    test" " best  k 20" &&
		json '[(e["step"], e["random"]) for e in s["evaluations"]] == [(0, True), (40, False), (60, False)] and
			max(e["top1"] for e in s["evaluations"][1:]) == max(e["top1"] for e in s["evaluations"] if e["best"]) and
			all(e["protocol"] == "knn" and e["test"] == "test" and e["settings"]["k"] == 20 for e in s["evaluations"])'
}
# A torn line, as a reader meets it while it is written.
torn() {
	cp -r run torn && printf '{"step":61,"st' >>torn/metrics.jsonl && printf '{"protocol":"kn' >>torn/results.jsonl &&
		status torn && says "step 60/60" "     60 knn    test"
}
table() {
	status run fresh long && [ "$(wc -l <out)" = 4 ] && grep -q '^run  *finished  *100 %' out && grep -q '^fresh  *starting  *0 %' out &&
		grep -q '^long  *stopped  *0 %' out || { sed 's/^/# /' out; return 1; }
}
one_is_missing() {
	status run away fresh
	[ $? = 1 ] && [ "$(wc -l <out)" = 3 ] && grep -q '^reliquary status: away: ' err
}
# Reading alone: the folder of another user, on a filesystem that is mounted to be read.
writes_nothing() {
	find run -type f -exec cksum {} + | sort >before
	status run && status --json run && find run -type f -exec cksum {} + | sort | cmp - before
}
watch_ends() {
	timeout 20 "$RELIQUARY" status run --watch 0.2 >out 2>err && says finished || return 1
	timeout 20 "$RELIQUARY" status run --json --watch=0.2 >out 2>err && [ "$(wc -l <out)" = 1 ] || return 1
	timeout 2 "$RELIQUARY" status --watch 0.2 long --json >out 2>err
	[ $? = 124 ] && [ "$(wc -l <out)" -ge 2 ] # not finished: goes on
}
# Without a terminal: ASCII, 80 columns, no colours; dots of braille where they are asked for.
plain_output() {
	LC_ALL=C.UTF-8 status run && ! LC_ALL=C grep -q '[^ -~]' out && [ "$(awk 'length > 80' out | wc -l)" = 0 ] || return 1
	LC_ALL=C status run --plot braille && grep -q "$(printf '\342\224\244')" out
}
# On a terminal of 40 columns: nothing is wider; colours, unless NO_COLOR is set.
on_a_terminal() {
	"$python" -c 'import fcntl, os, pty, re, struct, sys, termios
def screen(env):
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 40, 0, 0))
        os.execve(sys.argv[1], [sys.argv[1], "status", "run"], dict(os.environ, TERM="xterm", **env))
    text = b""
    try:
        while True:
            piece = os.read(fd, 65536)
            if not piece: break
            text += piece
    except OSError:
        pass
    assert os.waitpid(pid, 0)[1] == 0
    return text.decode()
colour = screen({"LC_ALL": "C.UTF-8"})
plain = screen({"LC_ALL": "C", "NO_COLOR": "1"})
assert "\033[32mfinished\033[0m" in colour and "\u2524" in colour, colour
assert "\033" not in plain and plain.isascii(), plain
for text in colour, plain:
    for line in re.sub("\033[^m]*m", "", text).split("\r\n"):
        assert len(line) <= 40, line' "$RELIQUARY"
}

plan 18
check "a run that was just made" just_made
check "while it runs, and after a file STOP" while_it_runs
check "after a stop" stopped
check "at its end" finished
check "the numbers are those of the files" same_numbers
check "evaluations" evaluated
check "torn lines" torn
check "several runs are a table" table
check "several runs, one of which is missing" one_is_missing
check "nothing is written" writes_nothing
check "--watch ends with the run" watch_ends
check "without a terminal" plain_output
check "on a terminal of 40 columns" on_a_terminal
check "no such folder" refused 1 "away: there is no such folder" away
check "no run" refused 1 "images: is not the folder of a run" images
check "no argument" refused 2 "which run"
check "unknown option" refused 2 "'--jason'" run --jason
check "a wrong number of seconds" refused 2 "--watch" run --watch=often
