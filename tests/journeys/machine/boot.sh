#!/bin/sh
# Makes a machine of its own inside namespaces and becomes its systemd: boot.sh ROOT PYTHON_PREFIX VENV SOURCE ETC [DATA]
#
# Run by machine.py through unshare, never by hand. Nothing of the real machine can be written from inside: its programs are bound
# read-only, all else is memory, and systemd finds no unit but ours (a distribution's would empty /tmp).
set -eu
root=$1 python=$2 venv=$3 source=$4 etc=$5 data=${6:-}
[ "$$" = 1 ] || { echo "not the first process of a namespace"; exit 1; }

mount --make-rprivate /
mount -t tmpfs -o mode=755 shop "$root"
cd "$root"
mkdir -p usr etc proc sys dev/pts dev/shm run tmp var/lib opt/panier/bin opt/panier/lib opt/python opt/source
for name in bin sbin lib lib64; do
    [ -e "/usr/$name" ] && ln -s "usr/$name" "$name"
done
for pair in "/usr usr" "$python opt/python" "$venv/lib opt/panier/lib" "$source opt/source"; do
    mount --bind ${pair% *} "${pair#* }"
    mount -o remount,bind,ro "${pair#* }"
done

cp -r "$etc/." etc/
printf 'home = /opt/python/bin\n' > opt/panier/pyvenv.cfg
ln -s /opt/python/bin/python3 opt/panier/bin/python
cp "$venv/bin/nats-server" opt/panier/bin/
{ echo '#!/opt/panier/bin/python'; echo 'from panier_io.command import main'; echo 'main()'; } > opt/panier/bin/panier
chmod 755 opt/panier/bin/panier
cp /etc/passwd /etc/group etc/
for user in gateway backoffice device; do
    id=$((900 + ${#user}))
    echo "panier-$user:x:$id:$id::/:/bin/false" >> etc/passwd
    echo "panier-$user:x:$id:" >> etc/group
done
if [ -n "$data" ]; then
    mkdir -p var/lib/panier-gateway var/lib/panier-device
    cp -r "$data/gateway" var/lib/panier-gateway/data
    cp -r "$data/till-01" var/lib/panier-device/data
    chown -R 907:907 var/lib/panier-gateway
    chown -R 906:906 var/lib/panier-device
fi
grep -q ^input: etc/group || echo input:x:994: >> etc/group
echo 127.0.0.1 localhost > etc/hosts
echo 0123456789abcdef0123456789abcdef > etc/machine-id

mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 dev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for node in null zero full random urandom tty; do
    touch "dev/$node"
    mount --bind "/dev/$node" "dev/$node"
done
for place in run tmp dev/shm; do
    mount -t tmpfs -o mode=1777 "$place" "$place"
done
ip link set lo up

mkdir old
pivot_root . old
cd /
umount -l /old
rmdir /old
exec env -i container=panier PATH=/usr/sbin:/usr/bin SYSTEMD_UNIT_PATH=/etc/systemd/system \
    /lib/systemd/systemd --system --unit=shop.target --log-target=console --log-level=info --show-status=no
