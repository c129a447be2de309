//! Programs of the tree that try every way out: nothing of this machine changes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use crate::bench::{ended, operations, overlay, report};
use crate::support::{Ran, have, is_root};

/// What the attacks aim at, and a picture of the machine. `attack FILE` prints the line of a shell
/// script that tries everything and keeps the answers in FILE of the root.
const MACHINE: &str = r#"
cp "$ATTACK" "$R/srv/attack.pl"
victim() { sleep 3000 >/dev/null 2>&1 & victim=$!; }
victim
# Numbers inside of a container stay below this one.
while [ $victim -le 5000 ]; do kill $victim; victim; done
key=0 shm=
if shm=$(ipcmk -M 4096 2>/dev/null); then
    key=$(ipcs -m | awk -v id="${shm##* }" '$2 == id { print $1 }')
fi
case $(uname -m) in x86_64) mq=240 ;; *) mq=180 ;; esac
# mq_open with O_CREAT; its next number removes it.
perl -e 'syscall($ARGV[0] + 0, "$ARGV[1]\0", 66, 0644, 0) >= 0 or die "mq_open: $!\n"' "$mq" "$ABSTRACT"
trap 'kill $victim 2>/dev/null || true; [ -z "$shm" ] || ipcrm -m "${shm##* }"
    perl -e "syscall(\$ARGV[0] + 1, \"\$ARGV[1]\\0\")" "$mq" "$ABSTRACT"' EXIT
disk=$(awk '$5 == "/" { print $3 }' /proc/self/mountinfo | tail -n 1)
mkdir "$R/srv/nodes"
for node in "kmsg c 1 11" "mem c 1 1" "port c 1 4" "disk b ${disk%:*} ${disk#*:}"; do
    mknod "$R/srv/nodes/${node%% *}" ${node#* }
done
attack() { echo "perl /srv/attack.pl '$OUT' $victim $PORT $ABSTRACT $(($key)) $disk >>'$1' 2>&1"; }

machine() {
    hostname
    cat /proc/sys/kernel/domainname
    for file in kernel/core_pattern kernel/modprobe kernel/sysrq kernel/pid_max kernel/printk fs/file-max; do
        echo "$file: $(cat /proc/sys/$file 2>/dev/null || true)"
    done
    (cd /dev && stat -c '%n %f %u:%g %t:%T' null zero full random urandom tty kmsg 2>/dev/null) || true
    cut -d' ' -f3- /proc/self/mountinfo
    cat /proc/net/fib_trie 2>/dev/null | grep -c 127.54.32.1 || true
    ls /proc/sys/fs/binfmt_misc 2>/dev/null || true
    cat /proc/net/dev | sed 's/:.*//'
    ls -A / "$OUT" | grep -vE 'log|json|txt|machine|typescript|status|logs|^before$|^after$|^files$|^sums$' || true
    kill -0 $victim && echo "the victim lives" || true
    dmesg 2>/dev/null | grep -c from-the-tree || true
    # The kernel may still be clearing one away.
    for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        pgrep -f "^hostile-daemon-$ABSTRACT" >/dev/null || break
        sleep 1
    done
    ps -eo args | grep "^hostile-daemon-$ABSTRACT" || true
}
# on_terminal NAME COMMAND…: runs it in a session with a terminal, and with descriptors open that lead
# to the machine.
on_terminal() {
    name=$1; shift
    { echo 'exec 5</proc/self/ns/net 6</proc/self/ns/mnt 7<"$OUT" 8<>/dev/tty 9>>"$OUT/descriptor.log"'; echo "$*"; } >"$OUT/$name.sh.txt"
    script -qec "sh $OUT/$name.sh.txt" /dev/null </dev/null >"$OUT/$name.typescript" 2>&1 &&
        echo 0 >"$OUT/$name.status" || echo $? >"$OUT/$name.status"
}
"#;

/// The services of this machine that nobody inside may reach.
struct Services {
    tcp: TcpListener,
    local: UnixListener,
    name: String,
}

impl Services {
    fn open(test: &str) -> Services {
        let name = format!("gokaku-{test}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let services = Services {
            tcp: TcpListener::bind(("127.0.0.1", 0)).unwrap(),
            local: UnixListener::bind_addr(&address).unwrap(),
            name,
        };
        services.tcp.set_nonblocking(true).unwrap();
        services.local.set_nonblocking(true).unwrap();
        services
    }

    /// How many have connected to each.
    fn reached(&self) -> (usize, usize) {
        let tcp = std::iter::from_fn(|| self.tcp.accept().ok()).count();
        (tcp, std::iter::from_fn(|| self.local.accept().ok()).count())
    }

    fn script(&self, script: &str) -> String {
        let attack = crate::support::repository("tests/packages/attack.pl");
        let port = self.tcp.local_addr().unwrap().port();
        let words = format!("ATTACK={}\nPORT={port} ABSTRACT={}\n", attack.display(), self.name);
        format!("{words}{MACHINE}\n{script}")
    }
}

/// Whether the attacks can be made here.
fn can_attack(test: &str) -> bool {
    is_root(test, "lose what only root has")
        && have(test, &["script:bsdutils", "pgrep:procps", "ps:procps", "awk:mawk"])
}

/// Each attack and its answer; all of them were made, as often as the script ran.
fn answers(ran: &Ran, file: &str) -> BTreeMap<String, String> {
    let text = ran.file(file);
    let runs = text.lines().filter(|l| l.starts_with("tried ")).count();
    assert!(runs > 0, "{file}: did not come to its end: {text}");
    let lines: Vec<&str> =
        text.lines().filter(|l| l.starts_with("reached ") || l.starts_with("refused ")).collect();
    assert!(lines.len() > 250 * runs, "{file}: only {}: {text}", lines.len());
    let mut all = BTreeMap::new();
    for line in lines {
        let (answer, rest) = line.split_once(' ').unwrap();
        let name = rest.split_once(": ").map_or(rest, |(name, _)| name);
        let worst: &mut String = all.entry(name.to_owned()).or_default();
        if answer == "reached" || worst.is_empty() {
            *worst = line.to_owned();
        }
    }
    all
}

/// What differs of the machine before and after.
fn same_machine(ran: &Ran) {
    let (before, after) = (ran.file("machine.before"), ran.file("machine.after"));
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<String>>();
    let (before, after) = (lines(&before), lines(&after));
    let differs: Vec<&String> = before.symmetric_difference(&after).collect();
    assert!(differs.is_empty() && before.len() > 10, "{differs:#?}");
}

/// What was reached.
fn reached(answers: &BTreeMap<String, String>) -> Vec<&str> {
    answers.values().map(String::as_str).filter(|a| a.starts_with("reached")).collect()
}

#[test]
fn a_hostile_package_changes_nothing_outside() {
    let test = "a_hostile_package_changes_nothing_outside";
    if !can_attack(test) {
        return;
    }
    let services = Services::open("package");
    // apt-get itself is hostile, too, and so is its configuration.
    let script = services.script(
        r#"
attack /srv/attack.scripts >"$W/talk.prerm"
attack /srv/attack.scripts >"$W/ufw.postinst"
pkg talk 1; pkg ufw 1; index; install talk; gone ufw
mkdir "$R/srv/hooks"
for hook in APT::Update::Pre-Invoke APT::Update::Post-Invoke APT::Update::Post-Invoke-Success; do
    echo "$hook { \"touch /srv/hooks/$hook\"; };"
done >"$R/etc/apt/apt.conf.d/99hostile"
mv "$R/usr/bin/apt-get" "$R/usr/bin/apt-get.real"
{
    echo '#!/bin/sh'
    echo 'case " $* " in *" update "*|*" --download-only "*) kind=fetch ;; *" -s "*) kind=ask ;; *) kind=other ;; esac'
    echo 'if [ ! -e /srv/attack.$kind ]; then'
    attack '/srv/attack.$kind' | tr "'" '"'
    echo 'fi'
    echo 'exec /usr/bin/apt-get.real "$@"'
} >"$R/usr/bin/apt-get"
chmod 755 "$R/usr/bin/apt-get"
# The name would be seen in what the tree makes of it.
echo tree-name >"$R/etc/hostname"
machine >"$OUT/machine.before"
on_terminal first SOURCE_DATE_EPOCH=$EPOCH gokaku apply --root "'$R'" --state-dir "'$STATE'" \
    --packages apply --rule 2.2.3,3.5.1.1 --format json -o "'$OUT/first.json'" "2>'$OUT/first.log'"
name=first; traces >>"$OUT/traces"
machine >"$OUT/machine.after"
cp "$R"/srv/attack.scripts "$R"/srv/attack.fetch "$R"/srv/attack.ask "$R"/srv/attack.other "$OUT/"
ls "$R/srv/hooks" >"$OUT/hooks"
"#,
    );
    let Some(ran) = overlay(test, &script) else { return };
    let (status, log) = ended(&ran, "first");
    assert_eq!(status, 0, "{log}");
    let done = operations(&report(&ran, "first"));
    assert_eq!(done, ["installed ufw asked 3.5.1.1", "purged talk asked 2.2.3"]);
    for (file, allowed) in [
        ("attack.scripts", &[][..]),
        ("attack.ask", &[]),
        ("attack.other", &[]),
        // The network is what a fetch is for.
        ("attack.fetch", &["TCP", "devices of the network"]),
    ] {
        let answers = answers(&ran, file);
        let got = reached(&answers);
        let more: Vec<&&str> = got
            .iter()
            .filter(|line| !allowed.iter().any(|a| line.starts_with(&format!("reached {a}: "))))
            .collect();
        assert!(more.is_empty(), "{file}: {more:#?}");
    }
    same_machine(&ran);
    assert!(ran.file("machine.after").contains("the victim lives"));
    assert_eq!(ran.file("descriptor.log"), "", "an inherited descriptor");
    assert!(!ran.file("first.typescript").contains('x'), "typed: {}", ran.file("first.typescript"));
    assert_eq!(ran.file("hooks"), "", "hooks of apt run in a fetch");
    let (tcp, local) = services.reached();
    assert_eq!((tcp, local), (1, 0), "a fetch alone reaches the network");
}

#[test]
fn a_hostile_sshd_changes_nothing_outside() {
    let test = "a_hostile_sshd_changes_nothing_outside";
    if !can_attack(test) {
        return;
    }
    let services = Services::open("sshd");
    // What it writes is gone with the view, so it says what it has reached.
    let script = services.script(
        r#"
rm "$R/usr/sbin/sshd"
{
    echo '#!/bin/sh'
    attack /run/attack
    echo ': >/etc/view-was-written'
    # How many they are depends on what /proc and /sys show just then; it is asked twice, and a line
    # that it did not say before would be news.
    echo 'awk "/^reached/; /^tried/ && \$2 > 250 { print \"tried enough\" }" /run/attack >&2'
    echo 'exit 1'
} >"$R/usr/sbin/sshd"
chmod 755 "$R/usr/sbin/sshd"
echo tree-name >"$R/etc/hostname"
machine >"$OUT/machine.before"
listing before
on_terminal first gokaku plan --root "'$R'" --rule 5.3 --validate "2>'$OUT/first.log'"
listing after
machine >"$OUT/machine.after"
"#,
    );
    let Some(ran) = overlay(test, &script) else { return };
    let (status, log) = ended(&ran, "first");
    assert_eq!(status, 0, "{log}");
    assert!(log.contains("sshd -t refuses what is there already: tried enough"), "{log}");
    assert!(!log.contains("reached"), "{log}");
    assert_eq!(ran.listing("before"), ran.listing("after"), "the tree");
    same_machine(&ran);
    assert!(ran.file("machine.after").contains("the victim lives"));
    assert_eq!(ran.file("descriptor.log"), "", "an inherited descriptor");
    assert_eq!(services.reached(), (0, 0));
}

/// A chroot, as it was before there was a container, does not hold them: an attempt that is refused
/// everywhere shows nothing. Only those are made here that leave no trace.
#[test]
fn a_chroot_does_not_hold_these_attacks() {
    let test = "a_chroot_does_not_hold_these_attacks";
    if !can_attack(test) {
        return;
    }
    let services = Services::open("chroot");
    let script = services.script(
        r#"
only='host name|mount tmpfs|unshare 20000|escape by chroot|dot-dot|open_tree|fsopen|mknod kmsg in /srv|node kmsg of the tree|capabilities|set-id|abstract socket|TCP|shared memory|core dumps|file handles|message queue|a clock that runs faster|mount debugfs|a bind mount|locked memory|socket of family 17'
attack /srv/attack.chroot | sed "s!>>! '$only' >>!" >"$R/srv/go"
unshare -mpfu sh -c 'mount -t proc proc "$1/proc"; exec chroot "$1" sh /srv/go' sh "$R"
rm -f "$R"/srv/n-*
cp "$R/srv/attack.chroot" "$OUT/"
"#,
    );
    let Some(ran) = overlay(test, &script) else { return };
    let text = ran.file("attack.chroot");
    let reached = |name: &str| {
        text.contains(&format!("\nreached {name}: "))
            || text.starts_with(&format!("reached {name}: "))
    };
    for name in [
        "host name",
        "mount tmpfs",
        "unshare 20000",
        "escape by chroot",
        "mknod kmsg in /srv",
        "node kmsg of the tree",
        "capabilities",
        "set-id",
        "abstract socket",
        "TCP",
        "core dumps",
        "a bind mount",
        "locked memory",
        "socket of family 17",
    ] {
        assert!(reached(name), "{name}: {text}");
    }
    assert_eq!(services.reached(), (1, 1));
}
