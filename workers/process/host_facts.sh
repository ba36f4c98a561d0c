# What a worker finds on its host, as lines "NAME VALUE", for `worker:doctor`.
#
#   sh host_facts.sh FOLDER
set -f
say() { printf '%s %s\n' "$1" "$2"; }

say user "$(id -un 2>/dev/null || id -u)"
say uid "$(id -u)"
for tool in sh flock setsid; do
  path=$(command -v "$tool") && say "tool.$tool" "$path"
done
# Of busybox's flock some versions do not know -n on a descriptor: then no server could be started.
( exec 9<"$1" && flock -n -s 9 ) 2>/dev/null && say flock works
read -r boot </proc/sys/kernel/random/boot_id && say boot "$boot"
read -r first last </proc/sys/net/ipv4/ip_local_port_range && say outgoing_ports "$first-$last"
say open_files "$(ulimit -n)"
df -Pk "$1" 2>/dev/null | { read -r heads; read -r device total used free rest && say disk_free_kib "$free" && say disk_total_kib "$total"; }

# Of version 2 every process is in one group; of version 1 in one for each controller.
group=
[ -r /proc/self/cgroup ] && while IFS=: read -r number controllers path; do
  case $number:$controllers in
    0:) group=$path ;;
    *:*memory*) group1=$path ;;
  esac
done </proc/self/cgroup
if [ -r /sys/fs/cgroup/cgroup.controllers ]; then
  say cgroups 2
  read -r controllers </sys/fs/cgroup/cgroup.controllers && say controllers "$controllers"
  folder=/sys/fs/cgroup$group
elif [ -d /sys/fs/cgroup/memory ]; then
  say cgroups 1
  folder=/sys/fs/cgroup/memory$group1
  # In a container the path is the host's, and the mount begins at its group.
  [ -d "$folder" ] || folder=/sys/fs/cgroup/memory
else
  say cgroups none
  folder=
fi
[ -n "$folder" ] && [ -d "$folder" ] && [ -w "$folder" ] && [ -w "$folder/cgroup.procs" ] && say cgroup_writable "$folder"

exit 0
