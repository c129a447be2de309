# shellcheck shell=sh
# system.sh: what a booted system is asked, in a container and in a machine. After up.sh.
in=/run/job/in
export LC_ALL=C.UTF-8

# --- ssh
sshd -T | sort >sshd.txt
# says DIRECTIVE VALUE: those of a directive that may stand more than once are sorted.
says() {
    found=
    while read -r directive setting; do
        [ "$directive" != "$1" ] || found="${found:+$found }$setting"
    done <sshd.txt
    is "$found" "$2"
}
gains sshd-permitrootlogin says permitrootlogin no
gains sshd-maxauthtries says maxauthtries 4
gains sshd-logingracetime says logingracetime 60
gains sshd-banner says banner /etc/issue.net
gains sshd-denyusers says denyusers 'nxautomation omsagent root'
gains sshd-ciphers says ciphers \
    chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr
gains sshd-macs says macs \
    hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512,hmac-sha2-256
weak_exchanges() { sed -n 's/^kexalgorithms //p' sshd.txt | tr , '\n' | grep -e sha1 -e '^sntrup'; }
holds sshd-no-weak-exchange refuses weak_exchanges
holds sshd-maxsessions says maxsessions 10
holds sshd-loglevel says loglevel INFO
holds sshd-ignorerhosts says ignorerhosts yes
holds sshd-hostbasedauthentication says hostbasedauthentication no
holds sshd-permitemptypasswords says permitemptypasswords no
holds sshd-permituserenvironment says permituserenvironment no
holds sshd-usepam says usepam yes
keeps sshd-maxstartups-untouched says maxstartups 10:30:100
keeps sshd-clientalive-untouched says clientaliveinterval 0

cp "$in/key" key && chmod 600 key
over_ssh() {
    user=$1
    shift
    timeout 120 ssh -i key -o BatchMode=yes -o StrictHostKeyChecking=no -o ConnectTimeout=60 \
        -o UserKnownHostsFile=/dev/null "$user@127.0.0.1" "$@" </dev/null
}
keeps ssh-build-key-login over_ssh build true
keeps ssh-build-sudo over_ssh build sudo -n true
gains ssh-root-refused refuses over_ssh root true
shows_banner() { over_ssh build true 2>&1 | grep -F -- "$(head -n 1 /etc/issue.net)"; }
gains ssh-banner-shown shows_banner
scp_works() { timeout 120 scp -q -i key -o BatchMode=yes -o StrictHostKeyChecking=no key.pub build@127.0.0.1:copied; }
ssh-keygen -y -f key >key.pub
keeps ssh-scp scp_works
weak_mac() { timeout 120 ssh -i key -o BatchMode=yes -o StrictHostKeyChecking=no -o MACs=hmac-sha1 -o Ciphers=aes128-ctr build@127.0.0.1 true; }
gains ssh-weak-mac-refused refuses weak_mac

# --- logs
token=token-$$-$(date +%s)
logged() { grep -q -- "$1" /var/log/syslog; }
logger "$token-plain"
keeps rsyslog-writes eventually 60 logged "$token-plain"
echo "$token-journal" | systemd-cat
keeps journal-forwarded eventually 60 logged "$token-journal"
holds journal-persistent sh -c 'ls -d /var/log/journal/*/system.journal'
journal_has() { journalctl -q --no-pager | grep -q -- "$1"; }
keeps journal-keeps eventually 60 journal_has "$token-plain"
# Planted by machine-root.sh: cron runs it when it starts.
keeps cron-runs-jobs eventually 120 test -e /run/cron-ran
cron_logged() { grep -q 'CRON.*test -e /nowhere || touch /run/cron-ran' /var/log/syslog; }
keeps cron-logs eventually 60 cron_logged
keeps logrotate-forced logrotate -f /etc/logrotate.conf
logger "$token-rotated"
keeps rsyslog-writes-after-rotation eventually 60 logged "$token-rotated"
modes() { stat -c '%a %n' /var/log/syslog /var/log/auth.log | grep -v '^[0-6][04]0 '; }
holds log-files-closed-to-others refuses modes

# --- accounts and passwords
good='Trellis-mop-Quartz-74' better='Harbour_fig%Lantern91'
useradd -m -s /bin/bash -G sudo mika
keeps useradd-works id mika
set_password() { echo "$1:$2" | timeout 120 chpasswd; }
keeps chpasswd-good set_password mika "$good"
gains password-hashed-sha512 grep -q '^mika:[$]6[$]' /etc/shadow
ageing() { is "$(chage -l mika | sed -n "s/^$1[[:space:]]*: //p")" "$2"; }
gains ageing-maximum ageing 'Maximum number of days between password change' 365
gains ageing-minimum ageing 'Minimum number of days between password change' 1
holds ageing-warning ageing 'Number of days of warning before password expires' 7
gains ageing-inactive is "$(awk -F: '$1 == "mika" { print $7 }' /etc/shadow)" 30
# passwd OLD NEW, as the user, with PAM's own questions.
passwd_as_mika() { printf '%s\n%s\n%s\n' "$1" "$2" "$2" | timeout 120 su mika -c passwd; }
gains password-minimum-age-bites refuses passwd_as_mika "$good" "$better"
set_password mika "$good"       # where the line above did not bite, it was changed
chage -d "$(date -d '10 days ago' +%Y-%m-%d)" mika
keeps password-too-plain-refused refuses passwd_as_mika "$good" password
gains password-13-characters-refused refuses passwd_as_mika "$good" 'Kestrel-mop9x'
set_password mika "$good"
chage -d "$(date -d '10 days ago' +%Y-%m-%d)" mika
gains password-one-class-missing-refused refuses passwd_as_mika "$good" 'kestrel-moped-glass9'
set_password mika "$good"
chage -d "$(date -d '10 days ago' +%Y-%m-%d)" mika
keeps password-good-accepted passwd_as_mika "$good" "$better"
su_with() { echo "$1" | timeout 120 su build -c 'su mika -c id'; }
keeps su-with-password su_with "$better"
keeps su-wrong-password-refused refuses su_with wrong
sudo_with() { echo "$1" | timeout 120 su mika -c 'sudo -S -k id -u'; }
keeps sudo-with-password sudo_with "$better"
keeps sudo-wrong-password-refused refuses sudo_with wrong
gains umask-login-shell is "$(su - mika -c umask)" 0027
gains umask-ssh-login is "$(over_ssh build 'bash -l -c umask' 2>/dev/null)" 0027
gains new-home-closed is "$(stat -c %a ~mika)" 750
gains core-files-limited is "$(su - mika -c 'ulimit -Hc')" 0
remove_mika() { pkill -KILL -u mika; userdel -r mika; }
keeps userdel-works eventually 60 remove_mika

# --- nodes run scripts from here
printf '#!/bin/sh\necho ran\n' >/tmp/script && chmod 755 /tmp/script
keeps script-from-tmp is "$(/tmp/script)" ran
shm() { awk '$5 == "/dev/shm" { print $6 }' /proc/self/mountinfo | tail -n 1; }
shm_is() { shm; case ,$(shm), in *,nosuid,*) ;; *) return 1 ;; esac; case ,$(shm), in *,nodev,*) ;; *) return 1 ;; esac; }
holds shm-nosuid-nodev shm_is
shm_noexec() { shm | grep -w noexec; }
keeps shm-not-noexec refuses shm_noexec
for file in /etc/ntp.conf /etc/ntpsec/ntp.conf /etc/chrony/chrony.conf; do
    [ ! -e "$file" ] || sha256sum "$file"
done >time-config
ufw status >ufw.txt 2>&1
