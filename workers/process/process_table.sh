#!/bin/sh
# The worker's eyes and hands on the host's processes: answers requests, one a line, until its input
# ends. An answer is any number of lines and then a line with a dot.
#
#   sh process_table.sh INSTANCES_FOLDER
#
#   boot | uptime | probe PID | signal NAME PID START_TICKS BOOT_ID
#   marked | holders INSTANCE | kill-marked PID RUN_ID | kill-holder PID INSTANCE
#   fence INSTANCE NUMBER [PID START_TICKS BOOT_ID]
#
# POSIX sh; only `marked`, `kill-marked` and `fence` fork. DRAAS_* marks: see launch_plan.ts.
set -f
instances=$1

# Sets $ticks: when process $1 started; empty where there is none, or only a zombie.
ticks_of() {
  ticks=
  stat=
  while IFS= read -r part || [ -n "$part" ]; do stat=$stat$part; done </proc/$1/stat
  # The name, in brackets, may hold anything, brackets and spaces too: cut at the last one.
  [ -n "$stat" ] && fields ${stat##*) }
}

fields() {
  case $1 in Z | X | x) return ;; esac
  shift 19
  ticks=$1
}

has_mark() {
  grep -qzxF -- "$2" "/proc/$1/environ"
}

# Raises instance $1's fence to $2; sets $raised.
raise() {
  highest=
  read -r highest <"$instances/$1/fence"
  if [ "${highest:-0}" -ge "$2" ] || printf '%d\n' "$2" >"$instances/$1/fence"; then
    raised=raised
  else
    raised=unwritable
  fi
}

# Kills process $1 if $2... holds of the same process before and after: a pid may be used again.
kill_if() {
  ticks_of "$1"
  before=$ticks
  pid=$1
  shift
  [ -n "$before" ] && "$@" || return
  ticks_of "$pid"
  [ "$before" = "$ticks" ] && kill -s KILL "$pid" && echo sent
}

read -r boot </proc/sys/kernel/random/boot_id
while read -r verb a b c d e; do
  case $verb in
    boot) echo "$boot" ;;
    uptime) read -r now rest </proc/uptime && echo "$now" ;;
    probe)
      ticks_of "$a"
      [ -n "$ticks" ] && echo "$ticks"
      ;;
    signal)
      ticks_of "$b"
      if [ -n "$ticks" ] && [ "$ticks" = "$c" ] && [ "$boot" = "$d" ]; then
        # A server that has not got its own session yet leads no group: then it alone.
        { kill -s "$a" -- "-$b" || kill -s "$a" "$b"; } && echo sent
      fi
      ;;
    fence)
      if [ -n "$c" ]; then
        # Its run has the lock, and has it still after the fence is there: whoever gets it next reads the fence.
        raise "$a" "$b"
        ticks_of "$c"
        [ -n "$ticks" ] && [ "$ticks" = "$d" ] && [ "$boot" = "$e" ] && echo "$raised" || echo held
      else
        # In a shell of its own, whose end lets go of the lock.
        (
          exec 9>>"$instances/$a/run.lock"
          flock -n 9 || { echo held && exit; }
          raise "$a" "$b"
          echo "$raised"
        )
      fi
      ;;
    marked)
      set +f
      grep -szxaH 'DRAAS_\(SITE\|INSTANCE_ID\|RUN_ID\|SHIM\)=[A-Za-z0-9-]*' /proc/[0-9]*/environ
      set -f
      ;;
    holders)
      set +f
      for entry in /proc/[0-9]*/fd/9; do
        if [ "$entry" -ef "$instances/$a/run.lock" ]; then
          pid=${entry#/proc/}
          echo "${pid%%/*}"
        fi
      done
      set -f
      ;;
    kill-marked) kill_if "$a" has_mark "$a" "DRAAS_RUN_ID=$b" ;;
    kill-holder) kill_if "$a" [ "/proc/$a/fd/9" -ef "$instances/$b/run.lock" ] ;;
  esac
  echo .
done
