# shellcheck shell=sh
# up.sh: that a system is up, and with which parameters.
in=/run/job/in
export LC_ALL=C.UTF-8

# --- the boot
booted() {
    case $(systemctl is-system-running) in
    starting | initializing) return 1 ;;
    esac
}
keeps boot-ends eventually 300 booted
keeps multi-user-reached systemctl is-active multi-user.target
# Compared on the outside: what fails here must fail in the other image, too.
systemctl --failed --no-legend --plain | awk '{ print $1 }' | sort >failed-units
systemctl list-unit-files --no-legend --plain | awk '{ print $1, $2 }' | sort >unit-files
for unit in ssh cron rsyslog systemd-journald dbus; do
    keeps "unit-active-$unit" systemctl is-active "$unit"
done

# --- the verdicts of the running system: compared with the offline ones on the outside
if [ -x "$in/gokaku" ]; then
    "$in/gokaku" audit --root / --format json -o audit.json 2>audit.err
    echo $? >audit.status
fi

# --- parameters: every key that the profile wants, as it is now
sysctl -a 2>/dev/null | sort >sysctl.txt
while read -r key value path; do
    case $key in
    net.*) ;;
    *) [ -e "$in/machine" ] || { skipped "sysctl-$key" "a container shows this machine's own"; continue; } ;;
    esac
    found='no such key'
    [ ! -e "$path" ] || read -r found <"$path"
    holds "sysctl-$key" is "$found" "$value"
done <"$in/sysctl.want"
read -r found </proc/sys/net/ipv4/conf/all/log_martians
gains sysctl-hardened-at-all is "$found" 1
