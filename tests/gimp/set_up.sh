#!/bin/sh
# Makes a Debian with GIMP 3 in a folder (about 1.3 GB; root, debootstrap), unless it is there.
set -eu
root=$1
mark=$root/gimp-is-ready
[ "$(id -u)" = 0 ] || { echo "make test-gimp sets up a chroot: run it as root" >&2; exit 2; }
[ -e "$mark" ] && exit 0
command -v debootstrap > /dev/null || { echo "debootstrap is missing: apt install debootstrap" >&2; exit 2; }
mkdir -p "$root"
[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase trixie "$root" ${DEBIAN_MIRROR:-}
cp /etc/resolv.conf "$root/etc/resolv.conf"
# In mounts of their own, which go with the last process.
unshare --mount sh -eu -c '
  mount --bind /proc "$1/proc"
  export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
  chroot "$1" apt-get -q update
  chroot "$1" apt-get -q install -y --no-install-recommends gimp gir1.2-gimp-3.0 gir1.2-gtk-3.0 \
    python3-gi python3-gi-cairo adwaita-icon-theme fonts-dejavu-core xvfb xauth xdotool imagemagick
' sh "$root"
touch "$mark"
