#!/bin/sh
# The worker's eyes on what processes use: answers requests, one a line, until its input ends. An answer is any number of
# lines and then a line with a dot; each other line begins with a path or a number, whatever a process calls itself.
#
#   page | stats | marks PID ... | files PID ...
#
# POSIX sh; each forks once, `files` never.
set -f
while read -r verb rest; do
  set -- $rest
  case $verb in
    page) getconf PAGESIZE ;;
    stats)
      set +f
      grep -sa -H . /proc/[0-9]*/stat
      set -f
      ;;
    marks)
      paths=/dev/null
      for pid in "$@"; do paths="$paths /proc/$pid/environ"; done
      grep -szxaH 'DRAAS_\(SITE\|INSTANCE_ID\|RUN_ID\|SHIM\)=[A-Za-z0-9-]*' $paths | tr '\0' '\n'
      ;;
    files)
      for pid in "$@"; do
        set +f
        set -- /proc/"$pid"/fd/*
        set -f
        # Without the right to look, or without the process, it is the pattern itself.
        case $1 in *\*) ;; *) echo "$pid $#" ;; esac
      done
      ;;
  esac
  echo .
done
