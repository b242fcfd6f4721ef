#!/bin/sh
# SPDX-License-Identifier: ISC
# make fuzz: each target that is named takes what libFuzzer thinks of, for so
# many seconds, one after the other.  A line for each; the status is 0 if all
# of them held.
set -u
seconds=$1
shift
status=0
for name do
	found=fuzz-corpus/$name
	log=$found.log
	mkdir -p "$found" || exit 1
	if "tests/fuzz/fuzz-$name" -max_total_time="$seconds" -max_len=4096 \
	    -timeout=10 -print_final_stats=1 -artifact_prefix="$found-" \
	    "$found" "${srcdir:-.}/tests/fuzz/$name" >"$log" 2>&1; then
		says=holds
	else
		says=FAILS
		status=1
		tail -n 40 "$log"
	fi
	edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	echo "$name $says: ${inputs:-?} inputs in $seconds s," \
	    "${edges:-?} edges; $log"
done
exit $status
