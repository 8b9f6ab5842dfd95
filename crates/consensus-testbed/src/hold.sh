# Runs etcd and an API server for as long as somebody holds our standard input open: also whoever is
# killed closes it. Then both end, and their folder goes. Meanwhile each can be ended and started again, by a
# line `end N` or `start N` of our input; N is 1 or 2. Its process is the answer.
#
# hold.sh FOLDER ETCD [ARG...] -- API-SERVER [ARG...]
trap '' INT TERM HUP
folder=$1
shift
line1= line2=
while [ "$1" != -- ]; do
  line1="$line1 '$1'"
  shift
done
shift
for word; do
  line2="$line2 '$word'"
done
log1=$folder/etcd.log log2=$folder/kube-apiserver.log

begin() {
  eval "line=\$line$1 log=\$log$1"
  eval "exec $line" </dev/null >>"$log" 2>&1 &
  eval "process$1=$!"
}

begin 1
begin 2
echo "$process1 $process2"
while read -r order number; do
  eval "process=\$process$number"
  case $order in
    end)
      kill -KILL "$process" 2>/dev/null
      wait "$process" 2>/dev/null
      ;;
    start)
      begin "$number"
      eval "process=\$process$number"
      ;;
  esac
  echo "$process"
done
kill -KILL "$process1" "$process2" 2>/dev/null
wait
rm -rf "$folder"
