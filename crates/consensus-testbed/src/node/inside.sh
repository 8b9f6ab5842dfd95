# The first process of a node's namespaces: its network, then its servers. `hold.sh` starts it.
#
# inside.sh FOLDER
folder=$1
bin=$folder/bin
export PATH="$bin:$PATH"

# A kubelet shares mounts with its pods, below it and nowhere else.
mount --make-rshared /
# Where networks and logs are noted that are not told another place.
for place in /run /var/log /var/lib/cni; do
  mkdir -p "$place" && mount -t tmpfs none "$place"
done

# A kubelet sets these for the whole machine, unless they are as it wants them: it gets files to set.
mkdir "$folder/settings"
for setting in vm/overcommit_memory kernel/panic kernel/panic_on_oops \
  kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  file=$folder/settings/${setting##*/}
  cat "/proc/sys/$setting" >"$file" && mount --bind "$file" "/proc/sys/$setting"
done

ip link set lo up
ip link add pods type bridge
ip address add NODE_ADDRESS/24 dev pods
# The API server is where pods look for it, without anything in between.
ip address add SERVICE_ADDRESS/32 dev pods
ip link set pods up

run() {
  log=$1
  shift
  "$@" </dev/null >"$folder/log/$log.log" 2>&1 &
}

run etcd etcd --data-dir="$folder/etcd" --unsafe-no-fsync \
  --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
  --listen-peer-urls=http://127.0.0.1:2380
run kube-apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
  --bind-address=0.0.0.0 --secure-port=443 --advertise-address=NODE_ADDRESS \
  --cert-dir="$folder/pki" --token-auth-file="$folder/tokens.csv" --authorization-mode=RBAC \
  --service-account-issuer=https://kubernetes.default.svc \
  --service-account-key-file="$folder/accounts.pub" \
  --service-account-signing-key-file="$folder/accounts.key" \
  --service-cluster-ip-range=SERVICES --kubelet-preferred-address-types=InternalIP
run containerd containerd --config "$folder/containerd.toml"
# The others trust the certificate that the API server makes for itself, and give up without it.
until kubectl --kubeconfig "$folder/kubeconfig" get --raw /readyz >/dev/null 2>&1; do
  sleep 0.1
done
run kube-controller-manager kube-controller-manager --kubeconfig="$folder/kubeconfig" \
  --bind-address=127.0.0.1 --cert-dir="$folder/pki/controllers" --leader-elect=false \
  --root-ca-file="$folder/pki/apiserver.crt" \
  --service-account-private-key-file="$folder/accounts.key" \
  --flex-volume-plugin-dir="$folder/kubelet/plugins" --kube-api-qps=100 --kube-api-burst=200
run kube-scheduler kube-scheduler --kubeconfig="$folder/kubeconfig" \
  --bind-address=127.0.0.1 --cert-dir="$folder/pki/scheduler" --leader-elect=false
until [ -S "$folder/containerd.sock" ]; do
  sleep 0.1
done
run kubelet kubelet --config="$folder/kubelet.yaml" --kubeconfig="$folder/kubeconfig" \
  --root-dir="$folder/kubelet" --cert-dir="$folder/pki/kubelet" \
  --hostname-override=node --node-ip=NODE_ADDRESS
wait
