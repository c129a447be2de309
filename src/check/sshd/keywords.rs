//! All keywords of `sshd_config`, of whatever release.
//!
//! Those that rules write have a rank: the order in which the lines of our own stand, whichever
//! row was settled first. It is the layout of our own text and means nothing to sshd.

use super::algorithms::AlgorithmList;
use super::forms::Form;
use super::keyword::{Keyword, Takes};
use super::release::{ALWAYS, Version};

/// Its place is also inside a `Match` block.
const ANYWHERE: Option<Version> = Some(ALWAYS);
/// Its place is outside all `Match` blocks.
const GLOBAL: Option<Version> = None;

const fn word(name: &'static str, in_match: Option<Version>, takes: Takes) -> Keyword {
    since(ALWAYS, name, in_match, takes)
}

const fn since(
    since: Version,
    name: &'static str,
    in_match: Option<Version>,
    takes: Takes,
) -> Keyword {
    Keyword { name, takes, since, in_match, rank: None }
}

const fn ranked(rank: u8, name: &'static str, in_match: Option<Version>, takes: Takes) -> Keyword {
    Keyword { name, takes, since: ALWAYS, in_match, rank: Some(rank) }
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
    // Those that rules write, each with its rank.
    ranked(1, "LogLevel", ANYWHERE, LEVELS),
    ranked(2, "MaxAuthTries", ANYWHERE, Takes::Number),
    ranked(3, "IgnoreRhosts", Some((8, 3)), Takes::IgnoreRhosts),
    ranked(4, "HostbasedAuthentication", ANYWHERE, Takes::Flag),
    ranked(5, "PermitRootLogin", ANYWHERE, ROOT_LOGIN),
    ranked(6, "PermitEmptyPasswords", ANYWHERE, Takes::Flag),
    ranked(7, "PermitUserEnvironment", GLOBAL, Takes::UserEnvironment),
    ranked(8, "Ciphers", GLOBAL, Takes::Algorithms(AlgorithmList::Ciphers)),
    ranked(9, "MACs", GLOBAL, Takes::Algorithms(AlgorithmList::Macs)),
    ranked(10, "KexAlgorithms", GLOBAL, Takes::Algorithms(AlgorithmList::Kex)),
    ranked(11, "LoginGraceTime", GLOBAL, Takes::Time),
    ranked(12, "Banner", ANYWHERE, Takes::One),
    ranked(13, "UsePAM", GLOBAL, Takes::Flag),
    ranked(14, "MaxSessions", ANYWHERE, Takes::Number),
    ranked(15, "AllowUsers", ANYWHERE, Takes::Names),
    ranked(16, "AllowGroups", ANYWHERE, Takes::Names),
    ranked(17, "DenyUsers", ANYWHERE, Takes::Names),
    ranked(18, "DenyGroups", ANYWHERE, Takes::Names),
    // Structure.
    word("Match", ANYWHERE, Takes::Match),
    since((8, 2), "Include", ANYWHERE, Takes::Include),
    // The others.
    word("Port", GLOBAL, Takes::Checked(Form::Port)),
    word("HostKey", GLOBAL, Takes::One),
    word("HostDSAKey", GLOBAL, Takes::One),
    word("HostKeyAgent", GLOBAL, Takes::One),
    word("HostCertificate", GLOBAL, Takes::One),
    word("PidFile", GLOBAL, Takes::One),
    since((8, 6), "ModuliFile", GLOBAL, Takes::One),
    word("SyslogFacility", GLOBAL, FACILITIES),
    since((8, 5), "LogVerbose", ANYWHERE, Takes::Anything),
    word("HostbasedUsesNameFromPacketOnly", ANYWHERE, Takes::Flag),
    word("HostbasedAcceptedKeyTypes", ANYWHERE, Takes::Checked(Form::KeyTypes)),
    since((8, 5), "HostbasedAcceptedAlgorithms", ANYWHERE, Takes::Checked(Form::KeyTypes)),
    word("HostKeyAlgorithms", GLOBAL, Takes::Checked(Form::KeyTypes)),
    word("PubkeyAuthentication", ANYWHERE, Takes::Flag),
    word("DSAAuthentication", GLOBAL, Takes::Flag),
    word("PubkeyAcceptedKeyTypes", ANYWHERE, Takes::Checked(Form::KeyTypes)),
    since((8, 5), "PubkeyAcceptedAlgorithms", ANYWHERE, Takes::Checked(Form::KeyTypes)),
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
    word("ListenAddress", GLOBAL, Takes::Checked(Form::Listen)),
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
    word("RekeyLimit", ANYWHERE, Takes::Checked(Form::Rekey)),
    word("TCPKeepAlive", GLOBAL, Takes::Flag),
    word("KeepAlive", GLOBAL, Takes::Flag),
    word("AllowTcpForwarding", ANYWHERE, FORWARDING),
    word("AllowStreamLocalForwarding", ANYWHERE, FORWARDING),
    word("AllowAgentForwarding", ANYWHERE, Takes::Flag),
    word("DisableForwarding", ANYWHERE, Takes::Flag),
    word("GatewayPorts", ANYWHERE, Takes::Choice(&["clientspecified", "yes", "no"])),
    word("Subsystem", Some((9, 5)), Takes::Subsystem),
    word("MaxStartups", GLOBAL, Takes::Checked(Form::Startups)),
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
    word("PermitTunnel", ANYWHERE, Takes::Checked(Form::Tunnel)),
    word("PermitTTY", ANYWHERE, Takes::Flag),
    word("PermitUserRC", ANYWHERE, Takes::Flag),
    word("PermitOpen", ANYWHERE, Takes::Checked(Form::Destinations)),
    since((7, 8), "PermitListen", ANYWHERE, Takes::Anything),
    word("ForceCommand", ANYWHERE, Takes::Checked(Form::Rest)),
    word("ChrootDirectory", ANYWHERE, Takes::One),
    word("RevokedKeys", ANYWHERE, Takes::One),
    word("TrustedUserCAKeys", ANYWHERE, Takes::One),
    word("AuthorizedPrincipalsFile", ANYWHERE, Takes::One),
    word("IPQoS", ANYWHERE, Takes::Checked(Form::Traffic)),
    word("AuthorizedKeysCommand", ANYWHERE, Takes::Checked(Form::Rest)),
    word("AuthorizedKeysCommandUser", ANYWHERE, Takes::One),
    word("AuthorizedPrincipalsCommand", ANYWHERE, Takes::Checked(Form::Rest)),
    word("AuthorizedPrincipalsCommandUser", ANYWHERE, Takes::One),
    word("VersionAddendum", GLOBAL, Takes::Checked(Form::Rest)),
    word("AuthenticationMethods", ANYWHERE, Takes::Checked(Form::Methods)),
    word("StreamLocalBindMask", ANYWHERE, Takes::Checked(Form::Mask)),
    word("StreamLocalBindUnlink", ANYWHERE, Takes::Flag),
    word("FingerprintHash", GLOBAL, Takes::Checked(Form::Digest)),
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

#[cfg(test)]
mod tests {
    use super::super::release::Release;
    use super::*;
    use crate::text::sshd_config::statement;
    use proptest::prelude::*;

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
    fn no_two_keywords_share_a_rank() {
        let ranks: Vec<u8> = KEYWORDS.iter().filter_map(|k| k.rank).collect();
        let mut once = ranks.clone();
        once.dedup();
        assert!(ranks.is_sorted() && ranks == once, "{ranks:?}");
        for list in KEYWORDS.iter().filter(|k| k.takes == Takes::Names) {
            assert!(list.rank.is_some() && !list.is_repaired(), "{}", list.name);
        }
    }

    proptest! {
        #[test]
        fn any_line_is_judged(
            keyword in 0..KEYWORDS.len(),
            rest in "[ \ta-z0-9=,\"'#*+^-]{0,20}|.{0,20}",
            version in proptest::sample::select(vec![(7u16, 6u16), (8, 4), (9, 2), (10, 0)]),
        ) {
            let release = Release { version, fips: false, known: true };
            let keyword = &KEYWORDS[keyword];
            if let Some(said) = statement(&format!("{} {rest}", keyword.name), release.style()) {
                keyword.refusal(&said, &release);
            }
        }
    }
}
