#!/usr/bin/env bash
# exfat-fuse: one file, two inode numbers; and what it answers to a name that exFAT forbids.
#
# Guess: `Readme` and `readme` are one file on a disk that does not tell case apart, so `stat` gives one device and inode
# number for both, as the kernel's FAT does: that is how two names are known to be one file. And creating a file whose
# name holds a character that exFAT forbids fails with EINVAL, as on the kernel's FAT.
# Seen: each spelling that is asked for gets an inode number of its own, link count 1, though writing through one shows
# in the other. Only the listing of the folder tells that there is one file. Creating `what?` fails with ENOENT, "no such
# file or directory", though its folder is there.
#
# Run as root (it mounts a loop device) on 2026-11-29 with Linux and Debian's exfat-fuse 1.3.0+git20220115-2, exfatprogs
# 1.2.0-1+deb12u1; printed:
#   listed: Readme
#   one content under both names: yes; one inode number: no
#   creating a forbidden name: No such file or directory
#
# Exit status 1 when any of this has changed, 2 where nothing can be mounted.
set -euo pipefail
work=$(mktemp -d)
loop=
tidy() {
  umount "$work/disk" 2>/dev/null || true
  [ -z "$loop" ] || losetup -d "$loop"
  rm -rf "$work"
}
trap tidy EXIT
[ "$(id -u)" = 0 ] || { echo "run it as root: it mounts a loop device"; exit 2; }
cd "$work"
chmod 755 .
apt-get download -q -o APT::Sandbox::User=root exfat-fuse=1.3.0+git20220115-2 exfatprogs=1.2.0-1+deb12u1 >/dev/null
for package in *.deb; do dpkg-deb -x "$package" packages; done
truncate -s 16M image
"$(find packages -name mkfs.exfat)" image >/dev/null
mkdir disk
loop=$(losetup --find --show image) || exit 2
"$(find packages -name mount.exfat-fuse)" "$loop" disk >/dev/null || exit 2

echo one >disk/Readme
echo two >disk/readme
listed=$(ls disk)
same=no; [ "$(cat disk/Readme)" = two ] && same=yes
inode=no; [ "$(stat -c %d:%i disk/Readme)" = "$(stat -c %d:%i disk/readme)" ] && inode=yes
refused=$(LC_ALL=C touch 'disk/what?' 2>&1 | sed 's/.*: //' || true)
cat >seen <<SEEN
listed: $listed
one content under both names: $same; one inode number: $inode
creating a forbidden name: $refused
SEEN
cat seen
diff - seen <<'EXPECTED'
listed: Readme
one content under both names: yes; one inode number: no
creating a forbidden name: No such file or directory
EXPECTED
