# Runs a node, apart from the machine, for as long as somebody holds our standard input open: also
# whoever is killed closes it. Then all of it ends, and its folder goes.
#
# In namespaces of its own: processes, since all of them end with the first; mounts and the network,
# since what was made in them goes by itself. What is the machine's is put back: some settings of the
# kernel that a kubelet changes, and the cgroup.
#
# hold.sh FOLDER CGROUP
trap '' INT TERM HUP
folder=$1
cgroup=$2
# In each hierarchy, where there are several.
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  hierarchies=/sys/fs/cgroup
else
  hierarchies=$(find /sys/fs/cgroup -mindepth 1 -maxdepth 1 -type d)
fi
for hierarchy in $hierarchies; do mkdir -p "$hierarchy/$cgroup"; done
settings='vm/overcommit_memory kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes'
for setting in $settings; do
  value=$(cat "/proc/sys/$setting" 2>/dev/null) && before="$before $setting=$value"
done

unshare --mount --propagation=private --net --pid --fork --kill-child --mount-proc \
  sh "$folder/inside.sh" "$folder" </dev/null >"$folder/inside.log" 2>&1 &
echo "$!"
cat >/dev/null
kill -KILL "$!" 2>/dev/null
# Not before its child, and with it everything, is gone: that child is not ours to wait for.
while [ -n "$(find /sys/fs/cgroup -path "*/$cgroup/*" -name cgroup.procs -exec cat {} + 2>/dev/null)" ]; do
  sleep 0.05
done
wait
for setting in $before; do
  echo "${setting#*=}" >"/proc/sys/${setting%%=*}" 2>/dev/null
done
for try in 1 2 3 4 5 6 7 8 9 10; do
  for hierarchy in $hierarchies; do
    find "$hierarchy/$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
  done
  rm -rf "$folder" && break
  sleep 0.2
done
