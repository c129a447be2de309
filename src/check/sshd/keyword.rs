//! The words of `sshd_config`: since when, where and with what values they are taken.
//!
//! Only what makes sshd refuse a whole file is here. Where it is not sure that a value is refused,
//! it is let pass: a false refusal would stop every rule about sshd.

use super::algorithms::Kind;
use super::release::{NEWEST, Release, Version};
use crate::text::sshd_config::{Statement, Style};
use crate::text::sshd_value::{loose_number, seconds, strict_number};

/// A keyword of sshd's configuration.
#[derive(Debug)]
pub(super) struct Keyword {
    /// The usual spelling; case does not count.
    pub name: &'static str,
    /// What follows it.
    pub takes: Takes,
    since: Version,
    /// The first release that takes it inside a `Match` block.
    in_match: Option<Version>,
}

/// What follows a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// `yes` or `no`.
    Flag,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// `yes`, `no`, and from 8.3 `shosts-only`.
    IgnoreRhosts,
    /// `yes`, `no`, and from 7.8 patterns of names.
    UserEnvironment,
    /// A whole number.
    Number,
    /// A time.
    Time,
    /// A list of algorithms.
    Algorithms(Kind),
    /// One value, which is not looked into.
    One,
    /// Names or patterns; further lines add to them.
    Names,
    /// The name of a subsystem and a command.
    Subsystem,
    /// The conditions of a block.
    Match,
    /// Other files.
    Include,
    /// Anything.
    Anything,
}

impl Takes {
    /// Whether a word is among the values that some release takes.
    pub fn is_word(self, word: &str) -> bool {
        match self {
            Takes::Flag | Takes::IgnoreRhosts | Takes::UserEnvironment => {
                matches!(word, "yes" | "no")
            }
            Takes::Choice(words) => words.contains(&word),
            _ => false,
        }
    }
}

const ALWAYS: Version = (0, 0);
/// Its place is also inside a `Match` block.
const ANYWHERE: Option<Version> = Some(ALWAYS);
/// Its place is outside all `Match` blocks.
const GLOBAL: Option<Version> = None;

const fn word(name: &'static str, in_match: Option<Version>, takes: Takes) -> Keyword {
    Keyword { name, takes, since: ALWAYS, in_match }
}

const fn since(
    since: Version,
    name: &'static str,
    in_match: Option<Version>,
    takes: Takes,
) -> Keyword {
    Keyword { name, takes, since, in_match }
}

const ROOT_LOGIN: Takes =
    Takes::Choice(&["no", "yes", "prohibit-password", "without-password", "forced-commands-only"]);
// SILENT is the Debian family's other name for QUIET.
const LEVELS: Takes = Takes::Choice(&[
    "QUIET", "SILENT", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3",
]);
const FACILITIES: Takes = Takes::Choice(&[
    "DAEMON", "USER", "AUTH", "AUTHPRIV", "LOCAL0", "LOCAL1", "LOCAL2", "LOCAL3", "LOCAL4",
    "LOCAL5", "LOCAL6", "LOCAL7",
]);
const FORWARDING: Takes = Takes::Choice(&["yes", "all", "no", "remote", "local"]);

static KEYWORDS: &[Keyword] = &[
    // Those that rules are about.
    word("PermitRootLogin", ANYWHERE, ROOT_LOGIN),
    word("LogLevel", ANYWHERE, LEVELS),
    word("MaxAuthTries", ANYWHERE, Takes::Number),
    word("MaxSessions", ANYWHERE, Takes::Number),
    word("IgnoreRhosts", Some((8, 3)), Takes::IgnoreRhosts),
    word("HostbasedAuthentication", ANYWHERE, Takes::Flag),
    word("PermitEmptyPasswords", ANYWHERE, Takes::Flag),
    word("PermitUserEnvironment", GLOBAL, Takes::UserEnvironment),
    word("Ciphers", GLOBAL, Takes::Algorithms(Kind::Ciphers)),
    word("MACs", GLOBAL, Takes::Algorithms(Kind::Macs)),
    word("KexAlgorithms", GLOBAL, Takes::Algorithms(Kind::Kex)),
    word("LoginGraceTime", GLOBAL, Takes::Time),
    word("Banner", ANYWHERE, Takes::One),
    word("UsePAM", GLOBAL, Takes::Flag),
    word("AllowUsers", ANYWHERE, Takes::Names),
    word("DenyUsers", ANYWHERE, Takes::Names),
    word("AllowGroups", ANYWHERE, Takes::Names),
    word("DenyGroups", ANYWHERE, Takes::Names),
    // Structure.
    word("Match", ANYWHERE, Takes::Match),
    since((8, 2), "Include", ANYWHERE, Takes::Include),
    // The others.
    word("Port", GLOBAL, Takes::One),
    word("HostKey", GLOBAL, Takes::One),
    word("HostDSAKey", GLOBAL, Takes::One),
    word("HostKeyAgent", GLOBAL, Takes::One),
    word("HostCertificate", GLOBAL, Takes::One),
    word("PidFile", GLOBAL, Takes::One),
    since((8, 6), "ModuliFile", GLOBAL, Takes::One),
    word("SyslogFacility", GLOBAL, FACILITIES),
    since((8, 5), "LogVerbose", ANYWHERE, Takes::Anything),
    word("HostbasedUsesNameFromPacketOnly", ANYWHERE, Takes::Flag),
    word("HostbasedAcceptedKeyTypes", ANYWHERE, Takes::One),
    since((8, 5), "HostbasedAcceptedAlgorithms", ANYWHERE, Takes::One),
    word("HostKeyAlgorithms", GLOBAL, Takes::One),
    word("PubkeyAuthentication", ANYWHERE, Takes::Flag),
    word("DSAAuthentication", GLOBAL, Takes::Flag),
    word("PubkeyAcceptedKeyTypes", ANYWHERE, Takes::One),
    since((8, 5), "PubkeyAcceptedAlgorithms", ANYWHERE, Takes::One),
    since((8, 2), "PubkeyAuthOptions", ANYWHERE, Takes::Anything),
    since((8, 2), "SecurityKeyProvider", GLOBAL, Takes::One),
    since((7, 9), "CASignatureAlgorithms", ANYWHERE, Takes::One),
    since((9, 1), "RequiredRSASize", ANYWHERE, Takes::Number),
    word("KerberosAuthentication", ANYWHERE, Takes::Anything),
    word("KerberosOrLocalPasswd", GLOBAL, Takes::Anything),
    word("KerberosTicketCleanup", GLOBAL, Takes::Anything),
    word("KerberosGetAFSToken", GLOBAL, Takes::Anything),
    word("KerberosTgtPassing", GLOBAL, Takes::Anything),
    word("AFSTokenPassing", GLOBAL, Takes::Anything),
    word("GSSAPIAuthentication", ANYWHERE, Takes::Flag),
    word("GSSAPICleanupCredentials", GLOBAL, Takes::Flag),
    word("GSSAPIStrictAcceptorCheck", GLOBAL, Takes::Flag),
    word("PasswordAuthentication", ANYWHERE, Takes::Flag),
    word("KbdInteractiveAuthentication", ANYWHERE, Takes::Flag),
    word("ChallengeResponseAuthentication", Some((8, 7)), Takes::Flag),
    word("SkeyAuthentication", Some((8, 7)), Takes::Anything),
    word("ListenAddress", GLOBAL, Takes::Anything),
    word("AddressFamily", GLOBAL, Takes::Choice(&["inet", "inet6", "any"])),
    word("PrintMotd", GLOBAL, Takes::Flag),
    word("PrintLastLog", GLOBAL, Takes::Flag),
    word("IgnoreUserKnownHosts", GLOBAL, Takes::Flag),
    word("X11Forwarding", ANYWHERE, Takes::Flag),
    word("X11DisplayOffset", ANYWHERE, Takes::Number),
    word("X11UseLocalhost", ANYWHERE, Takes::Flag),
    word("XAuthLocation", GLOBAL, Takes::One),
    word("StrictModes", GLOBAL, Takes::Flag),
    word("Compression", GLOBAL, Takes::Choice(&["yes", "delayed", "no"])),
    word("RekeyLimit", ANYWHERE, Takes::Anything),
    word("TCPKeepAlive", GLOBAL, Takes::Flag),
    word("KeepAlive", GLOBAL, Takes::Flag),
    word("AllowTcpForwarding", ANYWHERE, FORWARDING),
    word("AllowStreamLocalForwarding", ANYWHERE, FORWARDING),
    word("AllowAgentForwarding", ANYWHERE, Takes::Flag),
    word("DisableForwarding", ANYWHERE, Takes::Flag),
    word("GatewayPorts", ANYWHERE, Takes::Choice(&["clientspecified", "yes", "no"])),
    word("Subsystem", Some((9, 5)), Takes::Subsystem),
    word("MaxStartups", GLOBAL, Takes::One),
    since((8, 5), "PerSourceMaxStartups", GLOBAL, Takes::One),
    since((8, 5), "PerSourceNetBlockSize", GLOBAL, Takes::One),
    since((9, 8), "PerSourcePenalties", GLOBAL, Takes::Anything),
    since((9, 8), "PerSourcePenaltyExemptList", GLOBAL, Takes::One),
    word("UseDNS", GLOBAL, Takes::Flag),
    word("ClientAliveInterval", ANYWHERE, Takes::Time),
    word("ClientAliveCountMax", ANYWHERE, Takes::Number),
    since((9, 2), "ChannelTimeout", ANYWHERE, Takes::Anything),
    since((9, 2), "UnusedConnectionTimeout", ANYWHERE, Takes::One),
    word("AuthorizedKeysFile", ANYWHERE, Takes::Anything),
    word("AcceptEnv", ANYWHERE, Takes::Anything),
    since((7, 8), "SetEnv", ANYWHERE, Takes::Anything),
    word("PermitTunnel", ANYWHERE, Takes::One),
    word("PermitTTY", ANYWHERE, Takes::Flag),
    word("PermitUserRC", ANYWHERE, Takes::Flag),
    word("PermitOpen", ANYWHERE, Takes::Anything),
    since((7, 8), "PermitListen", ANYWHERE, Takes::Anything),
    word("ForceCommand", ANYWHERE, Takes::Anything),
    word("ChrootDirectory", ANYWHERE, Takes::One),
    word("RevokedKeys", ANYWHERE, Takes::One),
    word("TrustedUserCAKeys", ANYWHERE, Takes::One),
    word("AuthorizedPrincipalsFile", ANYWHERE, Takes::One),
    word("IPQoS", ANYWHERE, Takes::Anything),
    word("AuthorizedKeysCommand", ANYWHERE, Takes::Anything),
    word("AuthorizedKeysCommandUser", ANYWHERE, Takes::One),
    word("AuthorizedPrincipalsCommand", ANYWHERE, Takes::Anything),
    word("AuthorizedPrincipalsCommandUser", ANYWHERE, Takes::One),
    word("VersionAddendum", GLOBAL, Takes::Anything),
    word("AuthenticationMethods", ANYWHERE, Takes::Anything),
    word("StreamLocalBindMask", ANYWHERE, Takes::One),
    word("StreamLocalBindUnlink", ANYWHERE, Takes::Flag),
    word("FingerprintHash", GLOBAL, Takes::One),
    word("ExposeAuthInfo", ANYWHERE, Takes::Flag),
    since((7, 7), "RDomain", ANYWHERE, Takes::One),
    since((9, 8), "PAMServiceName", ANYWHERE, Takes::One),
    since((9, 8), "SshdSessionPath", GLOBAL, Takes::One),
    since((10, 0), "SshdAuthPath", GLOBAL, Takes::One),
    since((9, 9), "RefuseConnection", ANYWHERE, Takes::Flag),
    // Taken without effect.
    word("PAMAuthenticationViaKbdInt", GLOBAL, Takes::Anything),
    word("ServerKeyBits", GLOBAL, Takes::Anything),
    word("KeyRegenerationInterval", GLOBAL, Takes::Anything),
    word("RhostsAuthentication", GLOBAL, Takes::Anything),
    word("RhostsRSAAuthentication", ANYWHERE, Takes::Anything),
    word("RSAAuthentication", ANYWHERE, Takes::Anything),
    word("CheckMail", GLOBAL, Takes::Anything),
    word("UseLogin", GLOBAL, Takes::Anything),
    word("Protocol", GLOBAL, Takes::Anything),
    word("VerifyReverseMapping", GLOBAL, Takes::Anything),
    word("ReverseMappingCheck", GLOBAL, Takes::Anything),
    word("AuthorizedKeysFile2", ANYWHERE, Takes::Anything),
    word("UsePrivilegeSeparation", GLOBAL, Takes::Anything),
    // The Debian family's own.
    word("DebianBanner", GLOBAL, Takes::Flag),
    word("PermitBlacklistedKeys", GLOBAL, Takes::Anything),
    word("GSSAPIKeyExchange", GLOBAL, Takes::Flag),
    word("GSSAPIStoreCredentialsOnRekey", GLOBAL, Takes::Flag),
    word("GSSAPIKexAlgorithms", GLOBAL, Takes::Anything),
    word("GSSAPICleanupCreds", GLOBAL, Takes::Anything),
    word("GSSUseSessionCCache", GLOBAL, Takes::Anything),
    word("GSSAPIUseSessionCredCache", GLOBAL, Takes::Anything),
];

/// The keyword of that name, in any case, of whatever release.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|k| k.name.eq_ignore_ascii_case(name))
}

impl Keyword {
    /// Whether the release has it.
    pub fn exists_in(&self, release: &Release) -> bool {
        self.since <= release.version
    }

    /// Whether the release takes it inside a `Match` block.
    pub fn goes_in_match(&self, release: &Release) -> bool {
        self.in_match.is_some_and(|since| since <= release.version)
    }

    /// Why the release refuses what follows the keyword; nothing if it takes it.
    pub fn refusal(&self, said: &Statement, release: &Release) -> Option<String> {
        if release.style() == Style::Quoted {
            if !said.closed {
                return Some("a quote is not closed".to_owned());
            }
            if said.args.is_empty() && said.comment.is_none() {
                return Some("no value".to_owned());
            }
        }
        match self.takes {
            Takes::Anything => None,
            Takes::Include => words(said, release)
                .map_or_else(Some, |files| files.is_empty().then(|| "no file is named".to_owned())),
            Takes::Names => words(said, release).map_or_else(Some, |names| {
                (names.is_empty() && release.version >= (9, 7)).then(|| "no value".to_owned())
            }),
            Takes::Match => match_refusal(&conditions(said, release), release),
            Takes::Subsystem => {
                let named = said.args.iter().take(2).filter(|a| !a.is_empty()).count();
                (named < 2).then(|| "want a name and a command".to_owned())
            }
            _ => match single(said, release) {
                Ok(value) => self.value_refusal(value, release),
                Err(why) => Some(why),
            },
        }
    }

    fn value_refusal(&self, value: &str, release: &Release) -> Option<String> {
        let taken = match self.takes {
            Takes::Flag => flag(value, release),
            Takes::Choice(words) => words.iter().any(|w| w.eq_ignore_ascii_case(value)),
            Takes::IgnoreRhosts => {
                flag(value, release)
                    || (release.version >= (8, 3) && value.eq_ignore_ascii_case("shosts-only"))
            }
            Takes::UserEnvironment => matches!(value, "yes" | "no") || release.version >= (7, 8),
            Takes::Number => release.loose_numbers() || strict_number(value).is_some(),
            Takes::Time => self.number(value, release).is_some(),
            Takes::Algorithms(kind) => return algorithms_refusal(kind, value, release),
            _ => true,
        };
        (!taken).then(|| format!("`{}` is no value for {}", shorten(value), self.name))
    }

    /// The number that a value stands for.
    pub fn number(&self, value: &str, release: &Release) -> Option<i64> {
        match self.takes {
            // Later releases want digits and units alone, without a sign.
            Takes::Time
                if release.version >= (9, 8)
                    && !value.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                None
            }
            Takes::Time => seconds(value, release.sticky_times()),
            _ if release.loose_numbers() => Some(loose_number(value)),
            _ => strict_number(value),
        }
    }
}

fn flag(value: &str, release: &Release) -> bool {
    let is = |word: &str| {
        value == word || (release.flags_in_any_case() && value.eq_ignore_ascii_case(word))
    };
    is("yes") || is("no")
}

/// One unknown name is enough for a refusal, except in a list of names to take away.
fn algorithms_refusal(kind: Kind, value: &str, release: &Release) -> Option<String> {
    if value.starts_with('-') {
        return None;
    }
    let list = match value.as_bytes().first() {
        Some(b'+') => &value[1..],
        Some(b'^') if release.version >= (8, 1) => &value[1..],
        _ => value,
    };
    let mut names = list.split(',').filter(|name| !name.is_empty()).peekable();
    if names.peek().is_none() {
        return Some("the list is empty".to_owned());
    }
    let unknown = names.find(|name| !kind.knows(release, name))?;
    Some(format!("`{}` is not known", shorten(unknown)))
}

/// The one value of a statement that takes one.
pub(super) fn single<'a>(said: &'a Statement, release: &Release) -> Result<&'a str, String> {
    let mut args = said.args.iter();
    let value = args.next().filter(|v| !v.is_empty()).ok_or("no value")?;
    let more = args.next().is_some_and(|v| !v.is_empty() || release.style() == Style::Quoted);
    if more { Err("more than one value".to_owned()) } else { Ok(value) }
}

/// The values of a statement that takes several.
pub(super) fn words<'a>(said: &'a Statement, release: &Release) -> Result<Vec<&'a str>, String> {
    let given: Vec<&str> = said.args.iter().map(String::as_str).collect();
    let Some(empty) = given.iter().position(|v| v.is_empty()) else { return Ok(given) };
    match release.style() {
        // An empty word ends the list, and nothing may follow it.
        Style::Delimited if given.get(empty + 1).is_some_and(|v| !v.is_empty()) => {
            Err("words after an empty one".to_owned())
        }
        Style::Delimited => Ok(given[..empty].to_vec()),
        Style::Quoted => Err("an empty word".to_owned()),
    }
}

/// The words of a `Match` line. Some releases split them at `=`, whatever they do elsewhere.
pub(super) fn conditions<'a>(said: &'a Statement, release: &Release) -> Vec<&'a str> {
    let split = |arg: &'a String| match arg.split_once('=') {
        Some((left, right)) if release.style() == Style::Quoted => vec![left, right],
        _ => vec![arg.as_str()],
    };
    said.args.iter().flat_map(split).filter(|w| !w.is_empty()).collect()
}

fn match_refusal(conditions: &[&str], release: &Release) -> Option<String> {
    const WITH_VALUE: [(&str, Version); 8] = [
        ("user", ALWAYS),
        ("group", ALWAYS),
        ("host", ALWAYS),
        ("address", ALWAYS),
        ("localaddress", ALWAYS),
        ("localport", ALWAYS),
        ("rdomain", (7, 7)),
        ("version", (10, 0)),
    ];
    if release.version > NEWEST {
        return None;
    }
    if conditions.is_empty() {
        return Some("no condition".to_owned());
    }
    let is = |condition: &str, name: &str| condition.eq_ignore_ascii_case(name);
    let mut left = conditions.iter();
    while let Some(name) = left.next() {
        if is(name, "all") {
            let alone = conditions.len() == 1;
            return (!alone).then(|| "`all` stands with other conditions".to_owned());
        }
        if is(name, "invalid-user") && release.version >= (9, 9) {
            continue;
        }
        if !WITH_VALUE.iter().any(|(known, since)| is(name, known) && *since <= release.version) {
            return Some(format!("`{}` is no condition", shorten(name)));
        }
        if left.next().is_none() {
            return Some(format!("no value for the condition `{}`", shorten(name)));
        }
    }
    None
}

/// A text short enough for a report.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 160;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::sshd_config::statement;
    use proptest::prelude::*;

    fn release(version: Version) -> Release {
        Release { version, fips: false, known: true }
    }

    fn refusal(version: Version, line: &str) -> Option<String> {
        let release = release(version);
        let said = statement(line, release.style()).expect("a statement");
        find(&said.keyword).expect("a keyword").refusal(&said, &release)
    }

    #[test]
    fn names_are_unique_and_found_in_any_case() {
        for (i, keyword) in KEYWORDS.iter().enumerate() {
            let again =
                KEYWORDS.iter().skip(i + 1).any(|k| k.name.eq_ignore_ascii_case(keyword.name));
            assert!(!again, "{} stands twice", keyword.name);
            assert!(std::ptr::eq(find(&keyword.name.to_uppercase()).unwrap(), keyword));
        }
        assert!(find("PermitRoot").is_none() && find("PermitRootLogins").is_none());
    }

    #[test]
    fn values() {
        for (line, v76, v84, v92) in [
            ("UsePAM yes", true, true, true),
            ("UsePAM YES", false, true, true),
            ("UsePAM true", false, false, false),
            ("UsePAM", false, false, false),
            ("UsePAM \"\"", false, false, false),
            ("UsePAM yes no", false, false, false),
            ("UsePAM yes # note", true, true, true),
            ("UsePAM \"yes", false, false, false),
            ("UsePAM yes \"\"", true, true, false),
            ("UsePAM == yes", false, false, false),
            ("PermitRootLogin NO", true, true, true),
            ("PermitRootLogin maybe", false, false, false),
            ("PermitUserEnvironment LANG", false, true, true),
            ("PermitUserEnvironment NO", false, true, true),
            ("IgnoreRhosts shosts-only", false, true, true),
            ("LogLevel silent", true, true, true),
            ("LogLevel loud", false, false, false),
            ("MaxAuthTries 10x", true, false, false),
            ("MaxAuthTries -1", true, false, false),
            ("LoginGraceTime 1m30s", true, true, true),
            ("LoginGraceTime none", false, false, false),
            ("DenyUsers", true, true, false),
            ("DenyUsers \"\"", true, true, false),
            ("DenyUsers a \"\" b", false, false, false),
            ("Ciphers aes256-ctr,aes128-ctr", true, true, true),
            ("Ciphers aes256-ctr, aes128-ctr", false, false, false),
            ("Ciphers aes256-ctr,", true, true, true),
            ("Ciphers ,", false, false, false),
            ("Ciphers +arcfour", false, false, false),
            ("Ciphers -arcfour", true, true, true),
            ("Ciphers ^aes256-ctr", false, true, true),
            ("Match all", true, true, true),
            ("Match User a", true, true, true),
            ("Match User=a", true, true, true),
            ("Match User a Address 10.0.0.0/8", true, true, true),
            ("Match all User a", false, false, false),
            ("Match User", false, false, false),
            ("Match Colour red", false, false, false),
            ("Subsystem sftp", false, false, false),
            ("Subsystem sftp /usr/lib/openssh/sftp-server -f x", true, true, true),
            ("AcceptEnv", true, true, false),
        ] {
            for (version, want) in [((7, 6), v76), ((8, 4), v84), ((9, 2), v92)] {
                let got = refusal(version, line);
                assert_eq!(got.is_none(), want, "{line} with {version:?}: {got:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_line_is_judged(
            keyword in 0..KEYWORDS.len(),
            rest in "[ \ta-z0-9=,\"'#*+^-]{0,20}|.{0,20}",
            version in proptest::sample::select(vec![(7u16, 6u16), (8, 4), (9, 2), (10, 0)]),
        ) {
            let (release, keyword) = (release(version), &KEYWORDS[keyword]);
            if let Some(said) = statement(&format!("{} {rest}", keyword.name), release.style()) {
                keyword.refusal(&said, &release);
            }
        }
    }
}
