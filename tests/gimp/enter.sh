#!/bin/sh
# enter.sh ROOT SHARED PYTHON COMMAND...: runs a command in the chroot, as a child of `unshare --mount`.
#
# SHARED has the same path on both sides, for sockets, pictures and reports. The whole machine is
# at /host; at PYTHON, the suite's interpreter, lies a script that goes back there. So the plug-in
# finds the environment that `python -m methods gimp install` has recorded.
set -eu
root=$1 shared=$2 python=$3
shift 3
mkdir -p "$root/host" "$root$shared" "$root$(dirname "$python")"
mount --bind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind / "$root/host"
mount --bind "$shared" "$root$shared"
cat > "$root$python" <<'SCRIPT'
#!/bin/sh
exec chroot /host /bin/sh -c 'cd "$0" && exec "$@"' "$PWD" "$0" "$@"
SCRIPT
chmod +x "$root$python"
exec chroot "$root" env -i HOME="$shared/home" XDG_RUNTIME_DIR="$shared/run" LC_ALL=C.UTF-8 \
  PATH=/usr/bin:/bin:/usr/sbin:/sbin OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=1 GIMP_TEST_SHARED="$shared" "$@"
