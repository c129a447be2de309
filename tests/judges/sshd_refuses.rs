//! Made-up values of keywords that no row sets: sshd refuses the file, or a row of it counts.

use gokaku::check::Outcome;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule, stanza};
use crate::dice::{Dice, rounds};

/// A row that holds in every file that sshd takes.
const WANT: &str = r#"sshd = { directive = "PermitRootLogin", value = { one_of = ["no"] } }"#;

const PORTS: &[&str] = &[
    "0", "22", "022", "65535", "65536", "-1", "+22", "22x", "ssh", "SSH", "www", "telnets", "*", "",
];
const HOSTS: &[&str] = &["h", "10.0.0.1", "[::1]", "[::1", "::1", "*", ""];
const METHODS: &[&str] = &[
    "any",
    "none",
    "publickey",
    "password",
    "keyboard-interactive",
    "keyboard-interactive:pam",
    "hostbased",
    "gssapi-with-mic",
    "bogus",
    "PublicKey",
    "",
];
const TYPES: &[&str] = &[
    "ssh-rsa",
    "rsa-sha2-512",
    "ssh-ed25519",
    "ssh-dss",
    "ECDSA",
    "rsa",
    "ssh-*",
    "!ssh-rsa",
    "x*",
    "bogus",
    "SSH-RSA",
    "sk-ssh-ed25519@openssh.com",
    "",
];
const TRAFFIC: &[&str] = &[
    "af11",
    "AF43",
    "cs0",
    "cs8",
    "ef",
    "le",
    "lowdelay",
    "throughput",
    "reliability",
    "none",
    "0x10",
    "010",
    "08",
    "255",
    "256",
    "-1",
    "bogus",
];
const AMOUNTS: &[&str] = &[
    "default",
    "DEFAULT",
    "0",
    "1",
    "15",
    "16",
    "1K",
    "1k",
    "1G",
    "1GB",
    "1.5M",
    ".5G",
    "1..5G",
    "-16",
    "+16",
    "1X",
    "K",
    "16b",
    "1B",
    "99999999999999999999",
    "9E",
];
const TIMES: &[&str] = &["none", "NONE", "1h", "0", "3600", "1x", "-1", "default"];
const NUMBERS: &[&str] = &["0", "1", "10", "30", "60", "100", "101", "-1", "x", "10x", ""];
const DIGESTS: &[&str] =
    &["md5", "MD5", "sha1", "sha256", "SHA512", "sha384", "sha224", "sha-256", "crc", "ripemd160"];
const MASKS: &[&str] = &["0177", "0777", "1000", "0999", "9", "-1", "+7", "x", "0x7", "777"];
const TUNNELS: &[&str] = &["yes", "no", "ethernet", "point-to-point", "YES", "bogus", "any"];
const COMMANDS: &[&str] =
    &["/usr/bin/x %u", "none", "NONE", "relative", "\"/usr/bin/x\"", "\"none\""];
const USERS: &[&str] = &[
    "a@10.0.0.0/8",
    "a@10.0.0.0/33",
    "a@10.0.0.1/8",
    "a@h",
    "a@!10.0.0.0/8",
    "a",
    "a@::/0",
    "a@::1/64",
];
const FLAGS: &[&str] = &[
    "PasswordAuthentication no",
    "PubkeyAuthentication no",
    "ChallengeResponseAuthentication no",
    "HostbasedAuthentication yes",
    "GSSAPIAuthentication yes",
    "AuthorizedKeysCommandUser nobody",
    "AuthorizedPrincipalsCommandUser nobody",
];

fn list(dice: &mut Dice, of: &[&'static str], most: usize, between: &str) -> String {
    let n = 1 + dice.below(most);
    (0..n).map(|_| dice.pick(of)).collect::<Vec<_>>().join(between)
}

fn line(dice: &mut Dice) -> String {
    match dice.below(16) {
        0 => format!("Port {}", dice.pick(PORTS)),
        1 => {
            let lists: Vec<String> =
                (0..=dice.below(2)).map(|_| list(dice, METHODS, 2, ",")).collect();
            format!("AuthenticationMethods {}", lists.join(" "))
        }
        2 => {
            let keyword = dice.pick(&[
                "HostKeyAlgorithms",
                "PubkeyAcceptedKeyTypes",
                "HostbasedAcceptedKeyTypes",
            ]);
            format!(
                "{keyword} {}{}",
                dice.pick(&["", "", "+", "-", "^"]),
                list(dice, TYPES, 3, ",")
            )
        }
        3 => {
            let one = |dice: &mut Dice| format!("{}:{}", dice.pick(HOSTS), dice.pick(PORTS));
            let many: Vec<String> = dice.some(2, one);
            format!(
                "PermitOpen {} {}",
                dice.pick(&["any", "none", "h:1", "h", "", ""]),
                many.join(" ")
            )
        }
        4 => format!("IPQoS {}", list(dice, TRAFFIC, 3, " ")),
        5 => {
            let time = dice.pick(TIMES);
            format!("RekeyLimit {} {}", dice.pick(AMOUNTS), dice.pick(&["", "", time]))
        }
        6 => format!("FingerprintHash {}", dice.pick(DIGESTS)),
        7 => format!("MaxStartups {}", list(dice, NUMBERS, 4, ":")),
        8 => format!("StreamLocalBindMask {}", dice.pick(MASKS)),
        9 => format!("PermitTunnel {}", dice.pick(TUNNELS)),
        10 => format!("AuthorizedKeysCommand {}", dice.pick(COMMANDS)),
        11 => format!("AuthorizedPrincipalsCommand {}", dice.pick(COMMANDS)),
        12 => format!("{} {}", dice.pick(&["AllowUsers", "DenyUsers"]), list(dice, USERS, 2, " ")),
        13 => format!("Match LocalPort {}", dice.pick(PORTS)),
        14 => format!("{} ", dice.pick(&["ForceCommand", "VersionAddendum"])),
        _ => format!("Match User {}", dice.pick(&["a", "b,c"])),
    }
}

#[test]
fn sshd_and_we_refuse_the_same_values() {
    let test = "sshd_and_we_refuse_the_same_values";
    let Some(packages) = stanza(test, "openssh-server") else { return };
    let mut dice = Dice::new(test);
    let rule = rule(WANT);
    let mut trials = Trials::new(&["/etc/ssh/sshd_config", "/etc/services"]);
    let mut judged = Vec::new();
    for _ in 0..rounds(300) {
        let mut text = String::from("PermitRootLogin no\n");
        for flag in FLAGS {
            if dice.once_in(4) {
                text += &format!("{flag}\n");
            }
        }
        for line in dice.some(2, line) {
            text += &format!("{line}\n");
        }
        let tree = MemoryRootfs::new()
            .file("/var/lib/dpkg/status", &packages)
            .file("/etc/services", "ssh 22/tcp\ntelnets 992/udp\nhttp 80/tcp www\n")
            .file("/etc/ssh/sshd_config", &text);
        judged.push(trials.add(&[&rule], &tree));
    }
    let prepare = r#"mkdir -p "$GOKAKU_ROOT/run/sshd""#;
    let ask = "/usr/sbin/sshd -t && echo taken";
    let Some(answers) = trials.ask(test, &["sshd"], prepare, "inside", ask) else { return };
    let (mut taken, mut refused) = (0, 0);
    for (answer, (before, _)) in answers.iter().zip(&judged) {
        let sshd = answer.before.ends_with("taken");
        match (sshd, before[0].outcome == Outcome::Met) {
            (true, true) => taken += 1,
            (false, false) => refused += 1,
            (false, true) => answer.wrong("met, but sshd refuses the file"),
            (true, false) => answer.wrong("not met, but sshd takes the file"),
        }
    }
    println!("taken {taken}, refused {refused}");
    assert!(taken > 0 && refused > 0);
}
