#!/bin/sh
# Starts one server and outlives it: holds the instance's lock, records the run and then its exit.
#
#   sh shim.sh FOLDER RUN_ID GENERATION FENCE DEADLINE_CS STARTED_AT_MS BOOT_ID SETSID PROGRAM [ARGUMENT ...]
#
# Speaks on standard output, to a worker that may be gone: `lock`, then one of `locked`,
# `stale FENCE`, `late`, `unrecorded`, `unsupported`, `started PID START_TICKS`.
# Environment: PATH, the marks, and DRAAS_SHIM, which the server does not get. DRAAS_SET names the server's own
# variables, which come as DRAAS_SET_<name>: under their names, they would change this shell, or it them.
#
# POSIX sh. Each fork and exec costs the best part of a millisecond of every start: all but flock and
# setsid is built in.
set -f

# Takes the lock, runs the server in the foreground (a background job of a shell without job control
# has SIGINT ignored, for good), and writes the exit record before it lets go of the lock.
hold() {
  # Caught, not ignored: the server inherits what is ignored, but never what is caught.
  trap : HUP INT QUIT TERM PIPE ALRM USR1 USR2 TSTP
  exec 9>>"$folder/run.lock"
  flock -n 9
  # `exit` whatever becomes of the word: its worker may be dead, and then echo fails.
  case $? in
    0) echo lock ;;
    1) echo locked; exit 0 ;;
    *) echo unsupported; exit 0 ;;
  esac
  (serve "$@")
  code=$?
  line=
  [ -r "$folder/run.json" ] && IFS= read -r line <"$folder/run.json"
  case $line in
    # No exit for a run that never was: `serve` may have refused.
    *"\"runId\":\"$run\""*)
      printf '{"runId":"%s","code":%d}\n' "$run" "$code" >"$folder/runs/$run/exit.json"
      ;;
  esac
  exit "$code"
}

# Refuses what is stale or late, records the run under its own pid, and becomes the server.
serve() {
  trap : PIPE
  exec 3>&1
  exec >>"$folder/server.log" 2>&1
  highest_fence
  if [ "$fence" -lt "$highest" ]; then
    echo "stale $highest" >&3
    exit 0
  fi
  # Not $$, which is the pid of the shell above; pid and start time survive every exec.
  read -r stat </proc/self/stat
  pid=${stat%% *}
  start_ticks ${stat##*) }
  # Last, so that a host that froze since the worker's decision starts nothing late.
  read -r now rest </proc/uptime
  if [ "${now%.*}${now#*.}" -gt "$deadline" ]; then
    echo late >&3
    exit 0
  fi
  # Two files, one after the other: a crash can tear one of them, and the other keeps the fence.
  printf '%d\n' "$fence" >"$folder/fence" || unrecorded
  record="{\"runId\":\"$run\",\"pid\":$pid,\"startTicks\":\"$ticks\",\"bootId\":\"$boot\""
  record="$record,\"generation\":$generation,\"fence\":$fence,\"startedAt\":$started}"
  echo "$record" >"$folder/run.json" || unrecorded
  echo "started $pid $ticks" >&3
  exec 3>&-
  # A copy, by which the run is known if its record is torn or lost. It can do without.
  { echo "$record" >"$folder/runs/$run/run.json"; } 2>/dev/null
  # Before the server's variables, which may have any name, also one that is used here.
  set -- "$setsid" "$@"
  unset DRAAS_SHIM PATH PWD OLDPWD
  for DRAAS_SET in $DRAAS_SET; do
    # `command`: some shells have variables of their own that nobody can set, which is no reason to end.
    eval "command export $DRAAS_SET=\"\$DRAAS_SET_$DRAAS_SET\""
    unset "DRAAS_SET_$DRAAS_SET"
  done
  unset DRAAS_SET
  # A session of its own, so that a signal to the server's group never reaches the shell above. This
  # process leads no group, so setsid does not fork: pid and exit code are the server's.
  exec "$@"
}

# Sets $highest: the highest fence that this folder has seen.
highest_fence() {
  highest=0
  line=
  [ -r "$folder/fence" ] && read -r highest <"$folder/fence"
  [ -r "$folder/run.json" ] && IFS= read -r line <"$folder/run.json"
  case $line in
    *'"fence":'*)
      line=${line#*'"fence":'}
      line=${line%%[!0-9]*}
      [ "${line:-0}" -gt "${highest:-0}" ] && highest=$line
      ;;
  esac
  highest=${highest:-0}
}

# Sets $ticks: field 22 of /proc/PID/stat, given the fields from the third on.
start_ticks() {
  shift 19
  ticks=$1
}

unrecorded() {
  echo unrecorded >&3
  exit 0
}

folder=$1 run=$2 generation=$3 fence=$4 deadline=$5 started=$6 boot=$7 setsid=$8
shift 8
hold "$@"
