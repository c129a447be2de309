# shellcheck shell=sh disable=SC2119
# drift.sh: what packages and tools do to a hardened system afterwards. `audit` must name it, `apply`
# must close it, and then /etc is to be what it was: nothing doubled, nothing lost.
in=/run/job/in
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
mkdir -p /run/state
gokaku() {
    verb=$1
    shift
    "$in/gokaku" "$verb" -q --root / "$@"
}
# shellcheck disable=SC2120 # options are for some
apply() { gokaku apply --state-dir /run/state --format json -o applied.json "$@"; }
# shellcheck disable=SC2120
audit() { gokaku audit --format json -o audit.json "$@"; }
# The files below /etc: mode, owner, content. Not the copies that tools keep.
etc() {
    (cd /etc && find . -type f ! -name '*-' ! -name '*.pam-old' ! -name ld.so.cache -print0 | sort -z |
        xargs -0 sh -c 'stat -c "%n %a %u:%g" "$@"; sha256sum "$@"' sh)
}
row() { tr -d '\n' <audit.json | sed 's/"id": /\n&/g' | grep "^\"id\": \"$1\","; }
row_is() { is "$(row "$1" | sed 's/.*"outcome": "\([a-z_]*\)".*/\1/')" "$2"; }
row_drifts() { row "$1" | grep -q "\"drift\": $2"; }
ends_with() {
    wanted=$1
    shift
    "$@"
    ended=$?
    is "$ended" "$wanted"
}
# repaired NAME: the tree is as it was, and stays.
repaired() {
    keeps "$1-apply-repairs" ends_with 0 apply
    etc >etc.after
    keeps "$1-nothing-doubled" diff etc.before etc.after
    apply
    keeps "$1-second-apply-writes-nothing" grep -q '"changes": \[\]' applied.json
    keeps "$1-audit-agrees" ends_with 0 audit
}

booted() {
    case $(systemctl is-system-running) in
    starting | initializing) return 1 ;;
    esac
}
keeps boot-ends eventually 300 booted
# The first boot adds accounts of systemd's own (systemd-sysusers), and leaves /etc/passwd- behind as
# open as /etc/passwd: row 6.1.3.
apply
changed() { tr -d ' \n' <applied.json | grep -o '"path":"[^"]*","kind"' | cut -d '"' -f 4 | sort -u; }
others() { changed | grep -vx /etc/passwd-; }
keeps boot-undoes-nothing-but-6.1.3 refuses others
keeps nothing-to-do-at-first ends_with 0 audit
etc >etc.before

# --- the package's own sshd_config comes back
UCF_FORCE_CONFFNEW=1 dpkg -i "$in/debs/openssh-server.deb"
UCF_FORCE_CONFFNEW=1 dpkg-reconfigure openssh-server
cmp -s /usr/share/openssh/sshd_config /etc/ssh/sshd_config || cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
keeps sshd-config-named ends_with 2 audit
for row in 5.3.7 5.3.10 5.3.13 5.3.14 5.3.18; do keeps "sshd-config-names-$row" row_is $row not_met; done
repaired sshd-config
keeps sshd-config-is-valid sshd -t
systemctl restart ssh
keeps sshd-runs systemctl is-active ssh

# --- PAM's own tool writes the stack anew: with what was said of it before, and then from nothing
pam-auth-update --force --package
keeps pam-auth-update-keeps-5.4.4 ends_with 0 audit
rm /etc/pam.d/common-password
pam-auth-update --force --package
keeps pam-from-nothing-named ends_with 2 audit
keeps pam-from-nothing-names-5.4.4 row_is 5.4.4 not_met
repaired pam-from-nothing

# --- the module of the password policy goes and comes back
dpkg --purge libpam-pwquality
keeps pwquality-purged-named ends_with 2 audit
keeps pwquality-purged-names-5.4.1 row_is 5.4.1 not_met
apply
keeps pwquality-purged-apply-says-so is "$?" 2
keeps pwquality-purged-stack-is-whole sh -c "! grep -v '^#' /etc/pam.d/common-password | grep pwquality"
dpkg -i "$in/debs/libpam-pwquality.deb"
repaired pwquality-back

# --- a firewall that somebody switched on is told, and left alone; but it sets parameters of its own
ufw --force enable
keeps ufw-parameters-named ends_with 2 audit
keeps ufw-names-3.3.4 row_is 3.3.4 not_met
keeps ufw-drift-told row_drifts 3.5.1.3 true
keeps ufw-parameters-repaired ends_with 0 apply
keeps ufw-nothing-else-touched is "$(changed)" /etc/ufw/sysctl.conf
keeps ufw-no-failure-by-itself ends_with 0 audit
keeps ufw-failure-when-strict ends_with 2 audit --strict
keeps ufw-still-enabled sh -c 'ufw status | grep -q "Status: active"'
systemctl restart ufw
keeps ufw-live-parameter is "$(cat /proc/sys/net/ipv4/conf/all/log_martians)" 1
ufw --force disable
audit
keeps ufw-drift-gone row_drifts 3.5.1.3 false
