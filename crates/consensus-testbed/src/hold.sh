# Runs etcd and an API server for as long as somebody holds our standard input open: also whoever is
# killed closes it. Then both end, and their folder goes.
#
# hold.sh FOLDER ETCD [ARG...] -- API-SERVER [ARG...]
trap '' INT TERM HUP
folder=$1
shift
etcd=
while [ "$1" != -- ]; do
  etcd="$etcd '$1'"
  shift
done
shift
eval "exec $etcd" </dev/null >"$folder/etcd.log" 2>&1 &
first=$!
"$@" </dev/null >"$folder/kube-apiserver.log" 2>&1 &
second=$!
echo "$first $second"
cat >/dev/null
kill -KILL "$first" "$second" 2>/dev/null
wait
rm -rf "$folder"
