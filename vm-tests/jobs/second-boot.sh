# shellcheck shell=sh
# second-boot.sh: the same image once more, with what the first boot left in it. After up.sh.

keeps forwarding-stays-on is "$(cat /proc/sys/net/ipv4/ip_forward)" 1
earlier_boot() { journalctl -q --no-pager -b -1 | grep -c .; }
holds journal-of-first-boot-kept earlier_boot
logger "second-$$"
logged() { grep -q -- "second-$$" /var/log/syslog; }
keeps rsyslog-writes eventually 60 logged
