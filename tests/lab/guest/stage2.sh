#!/bin/bash
# Second process of a lab guest: mounts file systems, unpacks the project's source from the second
# disk, puts the npm packages of the third in DENO_DIR, mounts the run directory shared with the host
# at /out, runs /out/run.sh, and leaves QEMU with its exit status through the isa-debug-exit device.
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/usr/local/bb HOME=/root NO_COLOR=1 LANG=C.UTF-8
export DENO_DIR=/deno-dir DENO_NO_UPDATE_CHECK=1

# The npm packages lie on a read-only disk; what Deno adds goes to memory.
mount_cache() {
  mkdir -p /run/cache/lower /run/cache/upper /run/cache/work
  mount -t ext4 -o ro,noatime /dev/vdc /run/cache/lower &&
    mount -t overlay -o lowerdir=/run/cache/lower,upperdir=/run/cache/upper,workdir=/run/cache/work \
      overlay "$DENO_DIR/npm"
}

mkdir -p /dev/pts /dev/shm /run /out /deno-dir/npm
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs run /run
mkdir -p /run/netns
mount -t debugfs debugfs /sys/kernel/debug
mount -t cgroup2 cgroup /sys/fs/cgroup
exec </dev/console >/dev/console 2>&1
ip link set lo up
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 out /out ||
  echo "LAB-ERROR cannot mount the run directory"
rc=99
if [ -b /dev/vdb ] && ! tar -xf /dev/vdb -C /; then
  echo "LAB-ERROR cannot unpack the source disk"
elif [ -b /dev/vdc ] && ! mount_cache; then
  echo "LAB-ERROR cannot mount the module cache"
elif [ -f /out/run.sh ]; then
  echo "LAB-UP $(cut -d' ' -f1 /proc/uptime)"
  bash /out/run.sh
  rc=$?
fi
dmesg >/out/dmesg.txt
sync
echo "LAB-EXIT $rc $(cut -d' ' -f1 /proc/uptime)"
# The device ends QEMU with (rc << 1) | 1, so any even status means that this line was not reached.
printf "\\x$(printf %x $((rc & 127)))" | dd of=/dev/port bs=1 seek=$((0x501)) count=1 2>/dev/null
poweroff -f
