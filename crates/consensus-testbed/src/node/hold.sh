# Runs a node, apart from the machine, for as long as somebody holds our standard input open: also
# whoever is killed closes it. Then all of it ends, and its folder goes.
#
# In namespaces of its own: processes, since all of them end with the first; mounts and the network,
# since what was made in them goes by itself. The machine's is only the cgroup, which is removed.
#
# hold.sh FOLDER CGROUP
trap '' INT TERM HUP
folder=$1
cgroup=$2
cgroups=
# In each hierarchy, where there are several.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  hierarchies=/sys/fs/cgroup
else
  hierarchies=$(find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d)
fi
for hierarchy in $hierarchies; do
  cgroups="$cgroups $hierarchy/$cgroup"
done
mkdir -p $cgroups

unshare --mount --propagation=private --net --pid --fork --kill-child --mount-proc \
  sh "$folder/inside.sh" "$folder" </dev/null >"$folder/inside.log" 2>&1 &
echo "$!"
cat >/dev/null
kill -KILL "$!" 2>/dev/null
wait
# Its child, and with that all others, end next; they are not ours to wait for.
for try in $(seq 200); do
  find $cgroups -depth -type d -exec rmdir {} + 2>/dev/null
  rm -rf "$folder" 2>/dev/null
  [ -z "$(ls -d "$folder" $cgroups 2>/dev/null)" ] && break
  sleep 0.1
done
