#!/bin/sh
# Starts one server and outlives it: holds the instance's lock, records the run and then its exit.
#
#   sh shim.sh FOLDER RUN_ID GENERATION FENCE DEADLINE_CS STARTED_AT_MS BOOT_ID LEASE_CS LEASE_FROM_CS \
#     STOP_SIGNAL SETSID PROGRAM [ARGUMENT ...]
#
# LEASE_CS 0: the server lives on without its worker. Else it is ended once the log has not heard the worker for so
# long, counted from LEASE_FROM_CS or from what the worker writes into `heard` in the data folder: "BOOT_ID CS".
#
# Speaks on standard output, to a worker that may be gone: `lock`, then one of `locked`,
# `stale FENCE`, `late`, `unrecorded`, `unsupported`, `unconfined`, `started PID START_TICKS`. Before the last one, a line
# `loose WHAT` for each limit that the host did not let it set.
# Environment: PATH, the marks, and DRAAS_SHIM, which the server does not get. DRAAS_SET names the server's own
# variables, which come as DRAAS_SET_<name>: under their names, they would change this shell, or it them.
# DRAAS_JOINS names the files of the control groups that it is to be in, DRAAS_ULIMITS its resource limits (`n=64`);
# DRAAS_MUST is set where nothing may run without them.
#
# POSIX sh. Each fork and exec costs the best part of a millisecond of every start: all but flock and
# setsid (and, with a lease, sleep) is built in.
set -f

# Takes the lock, runs the server in the foreground (a background job of a shell without job control
# has SIGINT ignored, for good), and writes the exit record before it lets go of the lock.
hold() {
  # Caught, not ignored: the server inherits what is ignored, but never what is caught.
  trap : HUP INT QUIT TERM PIPE ALRM USR1 USR2 TSTP
  # What the worker was itself given, and passed on.
  exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&-
  exec 9>>"$folder/run.lock"
  flock -n 9
  # `exit` whatever becomes of the word: its worker may be dead, and then echo fails.
  case $? in
    0) echo lock ;;
    1) echo locked; exit 0 ;;
    *) echo unsupported; exit 0 ;;
  esac
  watch=
  # Without the lock and the worker's pipe: it must hold up neither the next start nor this one's report.
  if [ "$lease" -gt 0 ]; then
    watch_lease 9>&- >/dev/null 2>&1 &
    watch=$!
  fi
  (serve "$@")
  code=$?
  reason=
  if [ -n "$watch" ]; then
    kill "$watch" 2>/dev/null
    # It may be ending what the server left behind; the next start must not be taken for that.
    wait "$watch"
    [ -e "$folder/runs/$run/lapsed" ] && reason=',"reason":"LeaseLapsed"'
  fi
  memory=
  [ "$code" -ne 0 ] && ran_out_of_memory && memory=',"outOfMemory":true'
  line=
  [ -r "$folder/run.json" ] && IFS= read -r line <"$folder/run.json"
  case $line in
    # No exit for a run that never was: `serve` may have refused.
    *"\"runId\":\"$run\""*)
      printf '{"runId":"%s","code":%d%s}\n' "$run" "$code" "$reason$memory" >"$folder/runs/$run/exit.json"
      # For a worker that is not our parent, and looks there only: after the record. `true`: a `:` that fails ends us.
      true >"${folder%/*/*}/ended/${folder##*/}"
      ;;
  esac
  exit "$code"
}

# Refuses what is stale or late, records the run under its own pid, and becomes the server.
serve() {
  trap : PIPE
  exec 3>&1
  exec >>"$folder/logs/stdout.log" 2>>"$folder/logs/stderr.log"
  highest_fence
  if [ "$fence" -lt "$highest" ]; then
    echo "stale $highest" >&3
    exit 0
  fi
  confine
  # Not $$, which is the pid of the shell above; pid and start time survive every exec.
  read -r stat </proc/self/stat
  pid=${stat%% *}
  start_ticks ${stat##*) }
  # Last, so that a host that froze since the worker's decision starts nothing late.
  read -r now rest </proc/uptime
  now=${now%.*}${now#*.}
  [ "$lease" -gt 0 ] && lease_until
  if [ "$now" -gt "$deadline" ] || { [ "$lease" -gt 0 ] && [ "$now" -ge "$until" ]; }; then
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
  unset DRAAS_SHIM DRAAS_JOINS DRAAS_ULIMITS DRAAS_MUST PATH PWD OLDPWD
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

# Puts this process, which becomes the server, into its limits.
confine() {
  for limit in $DRAAS_JOINS; do
    { echo 0 >"$limit"; } 2>/dev/null || loose "$limit"
  done
  for limit in $DRAAS_ULIMITS; do
    ulimit "-${limit%%=*}" "${limit#*=}" 2>/dev/null || loose "$limit"
  done
}

loose() {
  if [ -n "$DRAAS_MUST" ]; then
    echo "unconfined $1" >&3
    exit 0
  fi
  # Also for a worker that comes after this one. It can do without.
  { echo "$1" >>"$folder/runs/$run/loose"; } 2>/dev/null
  echo "loose $1" >&3
}

# Whether the kernel ended any process of the run for lack of memory: version 2 of control groups, then version 1.
ran_out_of_memory() {
  for limit in $DRAAS_JOINS; do
    for events in "${limit%/*}/memory.events" "${limit%/*}/memory.oom_control"; do
      [ -r "$events" ] || continue
      while read -r what count; do
        [ "$what" = oom_kill ] && [ "$count" -gt 0 ] && return 0
      done <"$events"
    done
  done
  return 1
}

# Waits until the lease is over, then ends the server: sleeps until then, but at most 5 s at a time, since `sleep` does
# not count the time that a host sleeps.
watch_lease() {
  nap=
  trap '[ -n "$nap" ] && kill "$nap"; exit 0' TERM
  while :; do
    lease_until
    read -r now rest </proc/uptime
    left=$((until - ${now%.*}${now#*.}))
    [ "$left" -le 0 ] && break
    [ "$left" -gt 500 ] && left=500
    rest=$((left % 100))
    [ "$rest" -lt 10 ] && rest=0$rest
    doze "$((left / 100)).$rest"
  done
  lapse
}

# Sets $until: when the lease is over, in centiseconds since boot.
lease_until() {
  heard_boot=
  heard=
  [ -r "${folder%/*/*}/heard" ] && read -r heard_boot heard <"${folder%/*/*}/heard"
  case $heard in '' | *[!0-9]*) heard=0 ;; esac
  [ "$heard_boot" = "$boot" ] && [ "$heard" -gt "$from" ] && from=$heard
  until=$((from + lease))
}

# Sleeps $1 seconds; a second where sleep takes no fractions.
doze() {
  sleep "$1" &
  nap=$!
  wait "$nap" && return
  sleep 1 &
  nap=$!
  wait "$nap"
}

# Ends the server gently, and by force within a second, with everything that holds its lock.
lapse() {
  trap : TERM
  find_server || exit 0
  echo "$now" >"$folder/runs/$run/lapsed"
  kill -s "$gently" -- "-$pid" || kill -s "$gently" "$pid"
  for tenth in 1 2 3 4 5 6 7 8; do
    doze 0.1
    find_server || break
  done
  for limit in $DRAAS_JOINS; do
    [ -e "${limit%/*}/cgroup.kill" ] && echo 1 >"${limit%/*}/cgroup.kill"
  done
  kill -s KILL -- "-$pid" || { find_server && kill -s KILL "$pid"; }
  set +f
  for entry in /proc/[0-9]*/fd/9; do
    [ "$entry" -ef "$folder/run.lock" ] || continue
    holder=${entry#/proc/}
    holder=${holder%%/*}
    [ "$holder" = "$$" ] || kill -s KILL "$holder"
  done
}

# Sets $pid; false where this run's server is not there any more. A pid alone may be another's by now.
find_server() {
  line=
  [ -r "$folder/run.json" ] && IFS= read -r line <"$folder/run.json"
  case $line in *"\"runId\":\"$run\""*) ;; *)
    [ -r "$folder/runs/$run/run.json" ] && IFS= read -r line <"$folder/runs/$run/run.json"
    ;;
  esac
  case $line in *"\"runId\":\"$run\""*) ;; *) return 1 ;; esac
  pid=${line#*'"pid":'}
  pid=${pid%%[!0-9]*}
  recorded=${line#*'"startTicks":"'}
  recorded=${recorded%%[!0-9]*}
  stat=
  [ -r "/proc/$pid/stat" ] && read -r stat <"/proc/$pid/stat"
  [ -n "$stat" ] || return 1
  start_ticks ${stat##*) }
  [ "$ticks" = "$recorded" ]
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

folder=$1 run=$2 generation=$3 fence=$4 deadline=$5 started=$6 boot=$7 lease=$8
shift 8
from=$1 gently=$2 setsid=$3
shift 3
hold "$@"
