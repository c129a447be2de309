#!/bin/sh
# used-root.sh ROOTFS DIR PUBLIC_KEY: a copy of a root of machine-root.sh that people and services
# use in ways that hardening can end:
#
#   jo       sftp alone, shut into a home that is root's (ChrootDirectory %h)
#   deploy   an account of the system that logs in with a key in /etc/ssh/keys
#   pat      logs in over SSH with a password, becomes root by sudo with it, has pages in its home
#   app      an account of the system that a unit becomes with su, and that uses at
#   nightly  one that a job of cron's becomes with su
#   lighttpd serves pages in homes, at runs jobs, postfix takes mail from other hosts
set -eu

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 3 ] || { echo "usage: used-root.sh ROOTFS DIR PUBLIC_KEY" >&2; exit 64; }
rootfs=$(realpath "$1") dir=$2 key=$3
cache=${GOKAKU_CACHE:-${XDG_CACHE_HOME:-${HOME:?set HOME or GOKAKU_CACHE}/.cache}/gokaku}

packages='lighttpd at postfix'
debs=$cache/debs-$(printf '%s' "$packages" | sha256sum | cut -c1-12)
if [ ! -d "$debs" ]; then
    rm -rf "$debs.new"
    # shellcheck disable=SC2086 # a list of names
    "$here/debs.sh" "$rootfs" "$debs.new" $packages
    mv -T "$debs.new" "$debs"
fi
cp -a "$rootfs" "$dir"
mkdir "$dir/var/cache/debs"
cp "$debs"/*.deb "$dir/var/cache/debs/"
in_root() { chroot "$dir" env DEBIAN_FRONTEND=noninteractive "$@"; }
in_root debconf-set-selections <<ANSWERS
postfix postfix/main_mailer_type select Internet Site
postfix postfix/protocols select all
ANSWERS
in_root sh -c 'dpkg -i /var/cache/debs/*.deb' >/dev/null 2>&1
rm -r "$dir/var/cache/debs"

in_root groupadd sftponly
in_root useradd -m -s /bin/bash -G sftponly jo
mkdir "$dir/home/jo/.ssh" "$dir/home/jo/upload"
cp "$key" "$dir/home/jo/.ssh/authorized_keys"
in_root chown -R jo:jo /home/jo/.ssh /home/jo/upload
in_root chown root:root /home/jo
chmod 755 "$dir/home/jo"

in_root useradd -r -m -d /srv/deploy -s /bin/bash deploy
mkdir "$dir/etc/ssh/keys"
cp "$key" "$dir/etc/ssh/keys/deploy"
chmod 644 "$dir/etc/ssh/keys/deploy"

in_root useradd -m -s /bin/bash -G sudo -p "$(openssl passwd -6 -salt used Trellis-mop-Quartz-74)" pat
mkdir "$dir/home/pat/public_html"
echo pages >"$dir/home/pat/public_html/index.html"
in_root chown -R pat:pat /home/pat/public_html
chmod 755 "$dir/home/pat"

for account in app nightly; do
    in_root useradd -r -m -d "/srv/$account" -s /bin/bash "$account"
done
cat >"$dir/etc/systemd/system/app.service" <<'UNIT'
[Unit]
Description=A service that becomes its account by itself
[Service]
Type=oneshot
ExecStart=/bin/su - app -c "touch /srv/app/ran"
[Install]
WantedBy=multi-user.target
UNIT
ln -s ../app.service "$dir/etc/systemd/system/multi-user.target.wants/app.service"
echo '@reboot root su - nightly -c "touch /srv/nightly/ran"' >"$dir/etc/cron.d/nightly"

sed -i '1i AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/keys/%u\nPasswordAuthentication yes' \
    "$dir/etc/ssh/sshd_config"
sed -i 's#^Subsystem.*#Subsystem sftp internal-sftp#' "$dir/etc/ssh/sshd_config"
printf 'Match Group sftponly\n\tChrootDirectory %%h\n\tForceCommand internal-sftp\n' \
    >>"$dir/etc/ssh/sshd_config"
in_root lighty-enable-mod userdir >/dev/null
grep -qx 'inet_interfaces = all' "$dir/etc/postfix/main.cf"
grep -qx 'inet_protocols = all' "$dir/etc/postfix/main.cf"
