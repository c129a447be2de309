# shellcheck shell=sh
# users.sh: what people and services of used-root.sh do, on the image as it was and on the hardened
# one. After up.sh.
in=/run/job/in
export LC_ALL=C.UTF-8
good='Trellis-mop-Quartz-74' better='Harbour_fig%Lantern91'

cp "$in/key" key && chmod 600 key
options='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=60'
# shellcheck disable=SC2086 # options are words
by_key() { timeout 120 ssh -i key -o BatchMode=yes $options "$@" </dev/null; }
keeps users-key-elsewhere by_key deploy@127.0.0.1 true
echo uploaded >file
sftp_works() {
    # shellcheck disable=SC2086
    echo 'put file upload/file' | timeout 120 sftp -i key -o BatchMode=no $options jo@127.0.0.1
    grep uploaded /home/jo/upload/file
}
keeps users-sftp-in-a-chroot sftp_works
printf '#!/bin/sh\necho "%s"\n' "$good" >askpass && chmod 755 askpass
by_password() {
    # shellcheck disable=SC2086
    SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force DISPLAY=none timeout 120 \
        ssh -o PubkeyAuthentication=no $options pat@127.0.0.1 "$@" </dev/null
}
keeps users-password-login by_password true
sudo_by_password() { echo "$good" | timeout 120 su pat -c 'sudo -S -k id -u'; }
keeps users-sudo-by-password sudo_by_password
page() {
    timeout 60 bash -c 'exec 3<>/dev/tcp/127.0.0.1/80 && printf "GET /~pat/index.html HTTP/1.0\r\n\r\n" >&3 && cat <&3' |
        grep pages
}
keeps users-page-from-a-home eventually 30 page
keeps users-unit-becomes-its-account eventually 60 test -e /srv/app/ran
keeps users-cron-becomes-an-account eventually 120 test -e /srv/nightly/ran
at_job() { echo 'touch /srv/app/at-ran' | timeout 60 su - app -c 'at now'; }
keeps users-at-takes-a-job at_job
keeps users-at-runs-the-job eventually 120 test -e /srv/app/at-ran
chage -d "$(date -d '10 days ago' +%Y-%m-%d)" pat
change() { printf '%s\n%s\n%s\n' "$good" "$better" "$better" | timeout 120 su pat -c passwd; }
keeps users-password-change change
# An address that is not loopback's.
ip addr add 10.9.8.7/32 dev lo
greets() { timeout 20 bash -c "exec 3<>/dev/tcp/$1/25 && read -r -t 15 line <&3 && echo \"\$line\"" | grep '^220 '; }
keeps users-mail-on-the-machine eventually 30 greets 127.0.0.1
# The plan says so by name.
gains users-mail-from-outside-refused refuses greets 10.9.8.7
rm -f key
