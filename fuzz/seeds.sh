#!/bin/sh
# seeds.sh ROOT DIR: puts real files of the root filesystem ROOT into the corpora below DIR.
set -eu

root=$1 dir=$2

# one TARGET FILE…: each file that is there, its first 4 KiB.
one() {
    target=$1
    shift
    mkdir -p "$dir/$target"
    for file; do
        # The shell leaves a pattern without files as it stands.
        [ -f "$root$file" ] || continue
        head -c 4096 "$root$file" >"$dir/$target/root$(echo "$file" | tr / -)"
    done
}

# expand PATTERN…: the files of the root that fit, as paths in it.
expand() {
    for pattern; do
        # shellcheck disable=SC2231 # the pattern is to be expanded
        for file in "$root"$pattern; do
            [ ! -f "$file" ] || echo "${file#"$root"}"
        done
    done
}

# all TARGET PLACE…: one input of all places, as src/rules.rs parts them.
all() {
    target=$1
    shift
    mkdir -p "$dir/$target"
    for file; do
        [ ! -f "$root$file" ] || grep -v '^#' "$root$file" || true
        echo %%
    done >"$dir/$target/root"
}

# shellcheck disable=SC2046 # names of files without blanks
{
    one sysctl $(expand /etc/sysctl.conf '/etc/sysctl.d/*.conf' '/usr/lib/sysctl.d/*.conf' /etc/ufw/sysctl.conf)
    one modprobe $(expand '/etc/modprobe.d/*' '/lib/modprobe.d/*')
    one rsyslog $(expand /etc/rsyslog.conf '/etc/rsyslog.d/*')
    one logrotate $(expand /etc/logrotate.conf '/etc/logrotate.d/*')
    one fstab $(expand /etc/fstab /etc/mke2fs.conf)
    one pam $(expand '/etc/pam.d/*' '/var/lib/pam/*' '/usr/share/pam-configs/*')
    one login_defs $(expand /etc/login.defs /etc/default/useradd)
    one shell $(expand /etc/profile /etc/bash.bashrc '/etc/default/*' /root/.bashrc /root/.profile \
        /etc/environment /etc/sudoers '/etc/init.d/*')
    one ini $(expand '/etc/systemd/*.conf')
    one unit $(expand '/lib/systemd/system/[a-e]*.service' '/lib/systemd/system/*.mount')
    one limits $(expand /etc/security/limits.conf /etc/security/pwquality.conf)
    one daemons $(expand /etc/ntp.conf)
    one sshd_config $(expand /etc/ssh/sshd_config /etc/ssh/ssh_config)
    one accounts $(expand /etc/passwd /etc/shadow /etc/group /etc/gshadow)
    one packages $(expand /var/lib/dpkg/status /etc/apt/sources.list /usr/lib/os-release)
    one pieces $(expand /etc/issue /etc/issue.net /etc/motd)
}
all rules_sysctl /etc/sysctl.conf '' /usr/lib/sysctl.d/50-pid-max.conf /etc/ufw/sysctl.conf /etc/default/ufw
all rules_modprobe /lib/modprobe.d/aliases.conf /lib/modprobe.d/systemd.conf /lib/modprobe.d/fbdev-blacklist.conf
all rules_sshd /etc/ssh/sshd_config
all rules_sshd_include /etc/ssh/sshd_config
all rules_rsyslog /etc/rsyslog.conf /etc/rsyslog.d/20-ufw.conf /etc/logrotate.conf /etc/logrotate.d/rsyslog
all rules_pam /etc/pam.d/common-password /etc/security/pwquality.conf /etc/pam.d/passwd \
    /var/lib/pam/password /usr/share/pam-configs/pwquality
all rules_accounts /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/login.defs /etc/default/useradd
all rules_homes /etc/passwd /etc/environment /root/.profile /root/.bashrc /etc/sudoers
all rules_mount /etc/fstab /lib/systemd/system/tmp.mount
all rules_umask /etc/profile /etc/bash.bashrc '' '' /etc/login.defs
all rules_settings /etc/systemd/journald.conf '' /etc/security/limits.conf
all rules_daemons /etc/ntp.conf '' '' /etc/default/ntp /etc/issue /etc/issue.net
