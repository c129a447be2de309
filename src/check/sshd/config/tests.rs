use super::super::testing::{BIONIC, BULLSEYE, image};
use super::*;
use crate::rootfs::MemoryRootfs;

fn read(root: &MemoryRootfs) -> Rc<Config> {
    Config::read(&(root).into()).unwrap().expect("a configuration")
}

/// `file:line keyword place`, of lines that say something.
fn shown(config: &Config) -> Vec<String> {
    let each = |s: &DirectiveLine| {
        let path = config.sources[s.source].path.to_string();
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let place = match s.place {
            MatchScope::Global => String::new(),
            MatchScope::Match { block } => format!(" match{block}"),
            MatchScope::MatchAll { block } => format!(" all{block}"),
        };
        let refusal = s.refusal.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
        format!("{name}:{} {}{place}{refusal}", s.line, s.said.keyword)
    };
    config.settings.iter().map(each).collect()
}

#[test]
fn included_files_are_read_where_they_stand() {
    let root = image(
        BULLSEYE,
        "Port 22\nInclude d/*.conf /etc/ssh/last\nUseDNS no\nMatch all\nInclude m\nBanner a\n",
    )
    .file("/etc/ssh/d/b.conf", "Banner b\nMatch User x\nBanner c\n")
    .file("/etc/ssh/d/a.conf", "Banner a\n")
    .dir("/etc/ssh/d/z.conf", 0o755, 0, 0)
    .file("/etc/ssh/last", "Match all\nUsePAM yes\n")
    .file("/etc/ssh/m", "UsePAM no\nMatch Host y\nBanner d\n");
    let config = read(&root);
    assert_eq!(config.first_block, Some(2));
    assert_eq!(
        shown(&config),
        [
            "sshd_config:1 Port",
            "sshd_config:2 Include",
            "a.conf:1 Banner",
            "b.conf:1 Banner",
            "b.conf:2 Match",
            "b.conf:3 Banner match1",
            "last:1 Match",
            "last:2 UsePAM all2",
            "sshd_config:3 UseDNS",
            "sshd_config:4 Match",
            "sshd_config:5 Include all3",
            "m:1 UsePAM all3",
            "m:2 Match all3",
            "m:3 Banner match4",
            "sshd_config:6 Banner all3",
        ]
    );
}

#[test]
fn refusals() {
    let text = "Include x\nNonsense 1\nUsePAM maybe\nMatch User a\nUsePAM yes\nBanner\n";
    let long = format!("#{}\n", "x".repeat(4093));
    let config = read(&image(BIONIC, &format!("{text}{long}")));
    assert_eq!(config.first_block, Some(4), "7.6 has no Include");
    assert_eq!(
        shown(&config),
        [
            "sshd_config:1 Include (`Include` is not a keyword)",
            "sshd_config:2 Nonsense (`Nonsense` is not a keyword)",
            "sshd_config:3 UsePAM (`maybe` is not a value of UsePAM)",
            "sshd_config:4 Match",
            "sshd_config:5 UsePAM match1 (UsePAM is not allowed inside a Match block)",
            "sshd_config:6 Banner match1 (no value)",
            "sshd_config:7  match1 (4094 bytes are too long for a line)",
        ]
    );
    assert_eq!(read(&image(BULLSEYE, &long)).settings.len(), 0);
    let twice = "Subsystem sftp a\nSubsystem sftp b\n";
    assert!(read(&image(BIONIC, twice)).settings[1].refusal.is_some());
    assert!(read(&image("1:9.9p1", twice)).settings[1].refusal.is_none());
    assert!(read(&image("1:99.9p1", "Nonsense 1\n")).settings[0].refusal.is_none());
    let many = "DenyUsers a b c d e f g h\n".repeat(33);
    assert!(read(&image(BIONIC, &many)).settings.last().unwrap().refusal.is_some());
    assert!(read(&image(BULLSEYE, &many)).settings.last().unwrap().refusal.is_none());
}

#[test]
fn a_link_that_leads_nowhere_is_a_refusal() {
    let root = image(BULLSEYE, "Include d/*\n").link("/etc/ssh/d/x", "/nowhere");
    let refusal = read(&root).settings[0].refusal.clone().unwrap();
    assert_eq!(refusal.to_string(), "/etc/ssh/d/x is a link to nothing and cannot be opened");
    let none = read(&image(BULLSEYE, "Include d/*\nInclude /none/x\n"));
    assert!(none.settings.iter().all(|s| s.refusal.is_none()));
}

#[test]
fn loops_and_depth_cannot_be_judged() {
    let error = |root: &MemoryRootfs| Config::read(&(root).into()).unwrap_err().to_string();
    let itself = image(BULLSEYE, "\nInclude sshd_config\n");
    assert!(error(&itself).starts_with("/etc/ssh/sshd_config:2: found "), "{}", error(&itself));
    let by_link = image(BULLSEYE, "Include a\n").link("/etc/ssh/a", "sshd_config");
    assert!(error(&by_link).contains("being read already"));
    let chain = |length: usize| {
        (0..length).fold(image(BULLSEYE, "Include c0\n"), |root, i| {
            root.file(&format!("/etc/ssh/c{i}"), format!("Include c{}\n", i + 1))
        })
    };
    assert!(Config::read(&(&chain(16)).into()).is_ok());
    assert!(error(&chain(17)).contains("deep"));
    // Two of each, twelve deep: 4096 files.
    let tree = (0..12).fold(image(BULLSEYE, "Include c0\n"), |root, i| {
        root.file(&format!("/etc/ssh/c{i}"), format!("Include c{0} c{0}\n", i + 1))
    });
    assert!(error(&tree.file("/etc/ssh/c12", "")).contains("more than 1024 files"));
}

#[test]
fn odd_files() {
    let error = |text: &[u8]| {
        let root = MemoryRootfs::new().file(MAIN, text);
        Config::read(&(&root).into()).map(|c| c.is_some()).map_err(|e| e.to_string())
    };
    assert_eq!(error(b""), Ok(true));
    assert!(error(b"Port 22\nx\0").unwrap_err().starts_with("/etc/ssh/sshd_config:2:"));
    assert_eq!(error(b"# \xff\nBanner \xff\n"), Ok(true), "whoever judges the line");
    assert!(error(&vec![b'\n'; 5 << 20]).is_err());
    assert!(Config::read(&(&MemoryRootfs::new()).into()).unwrap().is_none());
    let dangling = MemoryRootfs::new().link(MAIN, "/run/sshd_config");
    assert!(Config::read(&(&dangling).into()).is_err());
    let around = MemoryRootfs::new().link(MAIN, "sshd_config");
    assert!(Config::read(&(&around).into()).is_err());
}

#[test]
fn files_outside_etc_are_not_edited() {
    let root = image(BULLSEYE, "Include /usr/share/x y\n")
        .file("/usr/share/x", "")
        .file("/etc/ssh/real", "")
        .link("/etc/ssh/y", "real");
    let config = read(&root);
    let outside: Vec<bool> = config.sources.iter().map(|s| s.outside).collect();
    assert_eq!(outside, [false, true, false]);
    let linked =
        MemoryRootfs::new().link(MAIN, "/usr/share/sshd_config").file("/usr/share/sshd_config", "");
    assert!(read(&linked).main().unwrap().outside);
}

/// The lines that 7.6 refuses, and why.
fn refused(root: &MemoryRootfs) -> Vec<String> {
    let config = read(root);
    let refused = config.settings.iter().filter_map(|s| Some((s, s.refusal.as_ref()?)));
    refused.map(|(s, why)| format!("{} {}: {why}", s.line, s.said.keyword)).collect()
}

#[test]
fn a_command_has_an_absolute_path_and_a_user() {
    for (text, want) in [
        ("AuthorizedKeysCommand /x %u\nAuthorizedKeysCommandUser nobody\n", ""),
        (
            "AuthorizedKeysCommand /x %u\n",
            "1 AuthorizedKeysCommand: AuthorizedKeysCommandUser is not stated",
        ),
        ("AuthorizedKeysCommand none\nAuthorizedKeysCommand x\n", ""),
        (
            "AuthorizedKeysCommand x\n",
            "1 AuthorizedKeysCommand: the command is not an absolute path",
        ),
        (
            "AuthorizedPrincipalsCommand \"/x\"\n",
            "1 AuthorizedPrincipalsCommand: the command is not an absolute path",
        ),
        ("Match User a\nAuthorizedKeysCommand x\n", ""),
    ] {
        assert_eq!(refused(&image(BIONIC, text)).join(" "), want, "{text}");
    }
    let given = image(BIONIC, "AuthorizedKeysCommand /x\n")
        .file("/etc/default/ssh", "SSHD_OPTS='-o AuthorizedKeysCommandUser=nobody'\n");
    assert_eq!(refused(&given), [""; 0]);
}

#[test]
fn a_way_to_log_in_is_left() {
    let off = "1 AuthenticationMethods: each of these lists has a method that is switched off";
    for (text, want) in [
        ("AuthenticationMethods publickey,password\nPasswordAuthentication no\n", off),
        ("AuthenticationMethods password publickey\nPasswordAuthentication no\n", ""),
        ("AuthenticationMethods hostbased\n", off),
        ("AuthenticationMethods hostbased\nHostbasedAuthentication yes\n", ""),
        ("AuthenticationMethods keyboard-interactive:pam\n", ""),
        ("AuthenticationMethods keyboard-interactive\nChallengeResponseAuthentication no\n", off),
        ("AuthenticationMethods any\nPubkeyAuthentication no\n", ""),
        ("AuthenticationMethods publickey\nAuthenticationMethods bogus\n", ""),
        ("Match User a\nAuthenticationMethods hostbased\n", ""),
    ] {
        assert_eq!(refused(&image(BIONIC, text)).join(" "), want, "{text}");
    }
}

#[test]
fn a_port_may_be_a_service() {
    let text = "Port ssh\nPort telnets\nMatch User a\nPermitOpen h:www h:gopher\n";
    let root =
        image(BIONIC, text).file("/etc/services", "ssh 22/tcp\ntelnets 992/udp\nhttp 80/tcp www\n");
    assert_eq!(
        refused(&root),
        [
            "2 Port: `telnets` is no service in /etc/services",
            "4 PermitOpen: `gopher` is no service in /etc/services"
        ]
    );
}
