# Who listens on TCP port $1: a line "PID INSTANCE COMMAND", INSTANCE being - for what is none of ours; or "- - UID"
# where the process is of a user whose files this one may not look at; nothing where nobody listens.
set -f
hex=$(printf '%04X' "$1")
inodes=
owner=
for table in /proc/net/tcp /proc/net/tcp6; do
  [ -r "$table" ] || continue
  while read -r slot local remote state queue timer resent uid timeout inode rest; do
    [ "$state" = 0A ] || continue
    case $local in *:"$hex") inodes="$inodes $inode " owner=$uid ;; esac
  done <"$table"
done
[ -n "$inodes" ] || exit 0
set +f
found=$(
  ls -l /proc/[0-9]*/fd 2>/dev/null | while IFS= read -r line; do
    case $line in
      /proc/*/fd:) pid=${line#/proc/} pid=${pid%%/*} ;;
      *'-> socket:['*)
        inode=${line##*'socket:['}
        case $inodes in *" ${inode%]} "*) echo "$pid" && break ;; esac
        ;;
    esac
  done
)
[ -n "$found" ] || { echo "- - $owner" && exit; }
instance=$(tr '\0' '\n' <"/proc/$found/environ" 2>/dev/null | sed -n 's/^DRAAS_INSTANCE_ID=//p')
read -r name <"/proc/$found/comm"
echo "$found ${instance:--} $name"
