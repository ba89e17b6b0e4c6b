#!/bin/sh
# First process of a lab guest (busybox, from the initial RAM disk): puts a tmpfs over the read-only
# root image, so that guests can share one image, and hands over to stage 2.
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t devtmpfs dev /dev
$B mount -t sysfs sys /sys
for m in $($B cat /mod/order); do $B insmod "/mod/$m" || $B echo "LAB-ERROR cannot load $m"; done
i=0
while [ ! -b /dev/vda ] && [ $i -lt 250 ]; do $B usleep 20000; i=$((i + 1)); done
$B mkdir -p /lower /rw
$B mount -t ext4 -o ro,noatime /dev/vda /lower || { $B echo "LAB-ERROR no root disk"; $B poweroff -f; }
$B mount -t tmpfs -o size=75% rw /rw
$B mkdir -p /rw/upper /rw/work
$B mount -t overlay -o lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work overlay /root
for d in proc sys dev; do $B mkdir -p /root/$d; $B mount -o move /$d /root/$d; done
exec $B switch_root /root /lab/stage2.sh
