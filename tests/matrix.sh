#!/bin/sh
# matrix.sh VIRTUAL-ENVIRONMENT STATE VERSION…: the tests that touch a broker and the quick faults, on each of these versions of
# RabbitMQ in turn. Goes on after a failure; the end says what failed where. Figures of the faults are added to
# STATE/faults.jsonl. As root.
set -u

bin=$1/bin
state=$2
shift 2
here=$(dirname "$0")
processes=${TEST_PROCESSES:-3}

if [ "$(id -u)" -ne 0 ]; then
	echo "make matrix enters other Debians, parts networks and freezes servers: run it as root." >&2
	exit 2
fi

report=""
status=0

run() { # what, then the command
	what=$1
	shift
	printf '\n=== %s on RabbitMQ %s\n' "$what" "$version"
	if "$@"; then
		report="$report
RabbitMQ $version: $what passed"
	else
		status=1
		report="$report
RabbitMQ $version: $what FAILED"
	fi
}

for version in "$@"; do
	if ! POSTERN_RABBITMQ=$("$here/faults/another_rabbitmq.sh" "$version" "$state"); then
		status=1
		report="$report
RabbitMQ $version: not to be had here, nothing was run"
		continue
	fi
	export POSTERN_RABBITMQ
	run "tests that touch a broker" "$bin/pytest" --numprocesses "$processes" --dist loadgroup --no-loadscope-reorder \
		--ignore "$here/faults" -m "broker and not slow"
	POSTERN_FAULTS_QUICK=1 POSTERN_FAULTS_FIGURES=$state/faults.jsonl run "quick faults" "$bin/pytest" "$here/faults" \
		--numprocesses 2 --dist worksteal
done

printf '\n=== make matrix%s\n' "$report"
exit "$status"
