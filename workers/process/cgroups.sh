#!/bin/sh
# The worker's hands on the host's control groups: answers requests, one a line, until its input ends. An answer is any
# number of lines and then a line with a dot. No path has a space.
#
#   show FILE | put FILE VALUE | make FOLDER ... | drop FOLDER ... | sweep FOLDER | end FOLDER ...
#
# `put` and `make` answer nothing when it is done, else why not; `drop` answers what is still there. POSIX sh; `make`, `drop` and `sweep` fork.
set -f

# One round: afterwards nothing in there can fork, and all that was found has been killed. Says how many.
end_all() {
  found=0
  for folder in "$@"; do
    [ -r "$folder/cgroup.procs" ] || continue
    [ -e "$folder/pids.max" ] && echo 0 >"$folder/pids.max"
    [ -e "$folder/cgroup.kill" ] && echo 1 >"$folder/cgroup.kill"
    while read -r pid; do
      # 0 stands for a process that this shell's namespace does not show; to `kill` it is its own group.
      [ "$pid" = 0 ] && continue
      found=$((found + 1))
      kill -s KILL "$pid"
    done <"$folder/cgroup.procs"
  done
  echo "$found"
}

while read -r verb rest; do
  set -- $rest
  case $verb in
    show)
      [ -r "$1" ] && while IFS= read -r line; do echo " $line"; done <"$1"
      ;;
    put)
      file=$1
      shift
      { echo "$*" >"$file"; } 2>&1
      ;;
    make) mkdir -p "$@" 2>&1 ;;
    drop)
      rmdir "$@"
      for folder in "$@"; do [ -e "$folder" ] && echo "$folder"; done
      ;;
    sweep)
      set +f
      rmdir "$1"/*/ "$1"
      set -f
      ;;
    end) end_all "$@" ;;
  esac
  echo .
done
