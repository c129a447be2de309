//! The values of keywords that no rule sets. One that a release refuses keeps sshd from starting.
//!
//! As in [`keyword`](super::keyword), what is not surely refused passes.

use super::keyword::{shorten, single, words};
use super::messages;
use super::release::{ALWAYS, Release, Version};
use crate::message::Message;
use crate::text::sshd_config::Statement;
use crate::text::sshd_value::{
    listen_fits, octal, pattern_fits, permits, port, scaled, seconds, startups_fit,
};

/// What stands behind a keyword, where it is no plain word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A port.
    Port,
    /// A host, perhaps with a port.
    Listen,
    /// Lists of ways to log in, or `any`.
    Methods,
    /// Types of keys, or patterns of them.
    KeyTypes,
    /// Hosts with ports, `any` or `none`.
    Destinations,
    /// One or two classes of traffic.
    Traffic,
    /// An amount of data, and a time.
    Rekey,
    /// Everything up to the end of the line.
    Rest,
    /// A hash.
    Digest,
    /// A number, or three with colons between.
    Startups,
    /// Octal digits.
    Mask,
    /// A kind of tunnel.
    Tunnel,
}

/// A word that a keyword takes, and the first release that takes it.
type Word = (&'static str, Version);

const METHODS: &[Word] = &[
    ("none", ALWAYS),
    ("publickey", ALWAYS),
    ("password", ALWAYS),
    ("keyboard-interactive", ALWAYS),
    ("hostbased", ALWAYS),
    ("gssapi-with-mic", ALWAYS),
    // The Debian family's own.
    ("gssapi-keyex", ALWAYS),
];

const KEY_TYPES: &[Word] = &[
    ("ssh-ed25519", ALWAYS),
    ("ssh-ed25519-cert-v01@openssh.com", ALWAYS),
    ("ssh-rsa", ALWAYS),
    ("rsa-sha2-256", ALWAYS),
    ("rsa-sha2-512", ALWAYS),
    ("ssh-dss", ALWAYS),
    ("ecdsa-sha2-nistp256", ALWAYS),
    ("ecdsa-sha2-nistp384", ALWAYS),
    ("ecdsa-sha2-nistp521", ALWAYS),
    ("ssh-rsa-cert-v01@openssh.com", ALWAYS),
    ("ssh-dss-cert-v01@openssh.com", ALWAYS),
    ("ecdsa-sha2-nistp256-cert-v01@openssh.com", ALWAYS),
    ("ecdsa-sha2-nistp384-cert-v01@openssh.com", ALWAYS),
    ("ecdsa-sha2-nistp521-cert-v01@openssh.com", ALWAYS),
    ("ssh-xmss@openssh.com", (7, 7)),
    ("ssh-xmss-cert-v01@openssh.com", (7, 7)),
    ("rsa-sha2-256-cert-v01@openssh.com", (7, 8)),
    ("rsa-sha2-512-cert-v01@openssh.com", (7, 8)),
    ("sk-ecdsa-sha2-nistp256@openssh.com", (8, 2)),
    ("sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", (8, 2)),
    ("sk-ssh-ed25519@openssh.com", (8, 2)),
    ("sk-ssh-ed25519-cert-v01@openssh.com", (8, 2)),
    ("webauthn-sk-ecdsa-sha2-nistp256@openssh.com", (8, 4)),
    ("webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", (8, 4)),
];

/// Names of plain keys that stand for their types, in any case.
const KEY_NAMES: &[Word] = &[
    ("ED25519", ALWAYS),
    ("RSA", ALWAYS),
    ("DSA", ALWAYS),
    ("ECDSA", ALWAYS),
    ("XMSS", (7, 7)),
    ("ECDSA-SK", (8, 2)),
    ("ED25519-SK", (8, 2)),
];

const TRAFFIC: &[Word] = &[
    ("af11", ALWAYS),
    ("af12", ALWAYS),
    ("af13", ALWAYS),
    ("af21", ALWAYS),
    ("af22", ALWAYS),
    ("af23", ALWAYS),
    ("af31", ALWAYS),
    ("af32", ALWAYS),
    ("af33", ALWAYS),
    ("af41", ALWAYS),
    ("af42", ALWAYS),
    ("af43", ALWAYS),
    ("cs0", ALWAYS),
    ("cs1", ALWAYS),
    ("cs2", ALWAYS),
    ("cs3", ALWAYS),
    ("cs4", ALWAYS),
    ("cs5", ALWAYS),
    ("cs6", ALWAYS),
    ("cs7", ALWAYS),
    ("ef", ALWAYS),
    ("le", (7, 7)),
    ("lowdelay", ALWAYS),
    ("throughput", ALWAYS),
    ("reliability", ALWAYS),
    ("none", ALWAYS),
];

const DIGESTS: &[Word] = &[
    ("MD5", ALWAYS),
    ("SHA1", ALWAYS),
    ("SHA256", ALWAYS),
    ("SHA384", ALWAYS),
    ("SHA512", ALWAYS),
];

const TUNNELS: &[Word] =
    &[("no", ALWAYS), ("yes", ALWAYS), ("point-to-point", ALWAYS), ("ethernet", ALWAYS)];

/// Whether a release has the word, spelt like this.
fn has(words: &[Word], word: &str, release: &Release) -> bool {
    words.iter().any(|(known, since)| *since <= release.version && *known == word)
}

/// As [`has`], in any case.
fn has_like(words: &[Word], word: &str, release: &Release) -> bool {
    let is = |known: &str| known.eq_ignore_ascii_case(word);
    words.iter().any(|(known, since)| *since <= release.version && is(known))
}

impl Form {
    /// Why the release refuses what stands behind `keyword`.
    pub fn refusal(
        self,
        said: &Statement,
        keyword: &'static str,
        release: &Release,
    ) -> Option<Message> {
        let bad = |value: &str| Some(messages::not_a_value(shorten(value), keyword));
        let one = || single(said, release);
        match self {
            Form::Rest => said.args.is_empty().then(messages::no_value),
            Form::Methods => methods_refusal(said, keyword, release),
            Form::Traffic => traffic_refusal(said, keyword, release),
            Form::Rekey => rekey_refusal(said, keyword, release),
            Form::Destinations => destinations_refusal(said, keyword, release),
            Form::Port
            | Form::Listen
            | Form::KeyTypes
            | Form::Digest
            | Form::Startups
            | Form::Mask
            | Form::Tunnel => {
                let value = match one() {
                    Ok(value) => value,
                    Err(why) => return Some(why),
                };
                let taken = match self {
                    Form::Port => port(value).is_none_or(|n| n.is_some_and(|n| n > 0)),
                    Form::Listen => listen_fits(value),
                    Form::KeyTypes => key_types_fit(value, release),
                    Form::Digest => has_like(DIGESTS, value, release),
                    Form::Startups => startups_fit(value),
                    Form::Mask => octal(value).is_some_and(|mask| (0..=0o777).contains(&mask)),
                    _ if release.version <= (8, 4) => has(TUNNELS, value, release),
                    _ => has_like(TUNNELS, value, release),
                };
                if taken { None } else { bad(value) }
            }
        }
    }

    /// The ports that are given by name: services that the tree must know.
    pub fn services(self, said: &Statement) -> Vec<&str> {
        let args = said.args.iter().map(String::as_str);
        let named = |text: &&str| port(text).is_none();
        match self {
            Form::Port => args.take(1).filter(named).collect(),
            Form::Destinations => args
                .filter_map(|arg| permits(arg)?)
                .filter(|port| *port != "*")
                .filter(named)
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn methods_refusal(said: &Statement, keyword: &'static str, release: &Release) -> Option<Message> {
    let lists = match words(said, release) {
        Ok(lists) => lists,
        Err(why) => return Some(why),
    };
    if lists.is_empty() {
        return Some(messages::no_value());
    }
    if lists.len() > 1 && lists.contains(&"any") {
        return Some(messages::any_with_others());
    }
    let mut methods = lists.iter().filter(|list| **list != "any").flat_map(|l| l.split(','));
    let known = |method: &str| has(METHODS, method.split(':').next().unwrap_or(method), release);
    let unknown = methods.find(|method| !known(method))?;
    Some(messages::not_a_value(shorten(unknown), keyword))
}

fn traffic_refusal(said: &Statement, keyword: &'static str, release: &Release) -> Option<Message> {
    if said.args.is_empty() {
        return Some(messages::no_value());
    }
    let number = |word: &str| crate::text::sshd_value::c_number(word);
    let taken = |word: &str| {
        has_like(TRAFFIC, word, release) || number(word).is_some_and(|n| (0..=255).contains(&n))
    };
    if let Some(bad) = said.args.iter().take(2).find(|word| !taken(word)) {
        return Some(messages::not_a_value(shorten(bad), keyword));
    }
    let more = said.args.get(2).is_some_and(|word| !word.is_empty());
    more.then(messages::several_values)
}

fn rekey_refusal(said: &Statement, keyword: &'static str, release: &Release) -> Option<Message> {
    let Some(amount) = said.args.first().filter(|word| !word.is_empty()) else {
        return Some(messages::no_value());
    };
    // Fewer bytes than a block of a cipher has.
    let fits = |amount: i64| amount == 0 || amount >= 16;
    if amount != "default" && !scaled(amount).is_some_and(fits) {
        return Some(messages::not_a_value(shorten(amount), keyword));
    }
    let time = said.args.get(1)?;
    if time != "none" && seconds(time, release.sticky_times()).is_none() {
        return Some(messages::not_a_value(shorten(time), keyword));
    }
    said.args.get(2).is_some_and(|word| !word.is_empty()).then(messages::several_values)
}

fn destinations_refusal(
    said: &Statement,
    keyword: &'static str,
    release: &Release,
) -> Option<Message> {
    let args = match words(said, release) {
        Ok(args) => args,
        Err(why) => return Some(why),
    };
    match args.first() {
        None => return Some(messages::no_value()),
        Some(&("any" | "none")) => return (args.len() > 1).then(messages::several_values),
        Some(_) => {}
    }
    let fits = |arg: &str| match permits(arg) {
        Some(Some("*")) => true,
        Some(Some(text)) => port(text).is_none_or(|n| n.is_some_and(|n| n > 0)),
        _ => false,
    };
    let bad = args.iter().find(|arg| !fits(arg))?;
    Some(messages::not_a_value(shorten(bad), keyword))
}

/// Names of types, or patterns that fit one; what stands behind an empty name is not looked at.
fn key_types_fit(list: &str, release: &Release) -> bool {
    let names = match list.as_bytes().first() {
        Some(b'-') => return true,
        Some(b'+') => &list[1..],
        Some(b'^') if release.version >= (8, 1) => &list[1..],
        _ => list,
    };
    let known = |name: &str| {
        let pattern = name.strip_prefix('!').unwrap_or(name);
        has_like(KEY_NAMES, name, release) || names_key_types(pattern, release)
    };
    !names.is_empty() && names.split(',').take_while(|name| !name.is_empty()).all(known)
}

/// Whether a pattern fits the full name of a type.
pub(super) fn names_key_types(pattern: &str, release: &Release) -> bool {
    let mut types = KEY_TYPES.iter().filter(|(_, since)| *since <= release.version);
    types.any(|(name, _)| pattern_fits(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::super::keywords::find;
    use super::*;
    use crate::text::sshd_config::statement;

    /// Whether 7.6 takes a line.
    fn taken(line: &str) -> bool {
        let release = Release { version: (7, 6), fips: false, known: true };
        let said = statement(line, release.style()).expect("a statement");
        find(&said.keyword).expect("a keyword").refusal(&said, &release).is_none()
    }

    #[test]
    fn what_sshd_takes() {
        for line in [
            "Port 22",
            "Port 65535",
            "Port \"022\"",
            "Port ssh",
            "ListenAddress 0.0.0.0",
            "ListenAddress ::",
            "ListenAddress [::1]:22",
            "ListenAddress host:2222",
            "AuthenticationMethods any",
            "AuthenticationMethods publickey,password publickey,keyboard-interactive:pam",
            "AuthenticationMethods none",
            "HostKeyAlgorithms ssh-ed25519,rsa-sha2-512",
            "HostKeyAlgorithms ssh-*,!ssh-dss",
            "HostKeyAlgorithms -bogus",
            "HostKeyAlgorithms ecdsa",
            "HostKeyAlgorithms ssh-rsa,,bogus",
            "PubkeyAcceptedKeyTypes +ssh-dss",
            "PermitOpen any",
            "PermitOpen none",
            "PermitOpen 10.0.0.1:22 [::1]:* h:ssh",
            "IPQoS lowdelay throughput",
            "IPQoS 0x10 255",
            "IPQoS NONE",
            "RekeyLimit default none",
            "RekeyLimit 1G 1h",
            "RekeyLimit 1.5k",
            "RekeyLimit 0",
            "RekeyLimit 16",
            "FingerprintHash md5",
            "FingerprintHash SHA256",
            "MaxStartups 10",
            "MaxStartups 10:30:60",
            "MaxStartups 10:100:10x",
            "MaxStartups 0",
            "StreamLocalBindMask 0177",
            "StreamLocalBindMask 0999",
            "PermitTunnel point-to-point",
            "AuthorizedKeysCommand /usr/bin/x %u",
            "Match LocalPort 0",
            "Match LocalPort 65535",
        ] {
            assert!(taken(line), "{line}");
        }
    }

    #[test]
    fn what_sshd_refuses() {
        for line in [
            "Port 0",
            "Port 99999",
            "Port -1",
            "Port",
            "Port 22 23",
            "ListenAddress h:0",
            "ListenAddress [::1",
            "AuthenticationMethods",
            "AuthenticationMethods bogus",
            "AuthenticationMethods publickey,",
            "AuthenticationMethods any publickey",
            "AuthenticationMethods publickey any",
            "HostKeyAlgorithms bogus",
            "HostKeyAlgorithms ssh-rsa,bogus",
            "HostKeyAlgorithms ^ssh-rsa",
            "HostKeyAlgorithms +",
            "HostKeyAlgorithms sk-ssh-ed25519@openssh.com",
            "HostbasedAcceptedKeyTypes ssh-rsa2",
            "PermitOpen",
            "PermitOpen bad",
            "PermitOpen h:0",
            "PermitOpen h:22 h:99999",
            "PermitOpen ::1:22",
            "PermitOpen any h:22",
            "IPQoS",
            "IPQoS bogus",
            "IPQoS cs1 le",
            "IPQoS 256",
            "IPQoS lowdelay throughput extra",
            "RekeyLimit",
            "RekeyLimit 1",
            "RekeyLimit -1G",
            "RekeyLimit 1GB",
            "RekeyLimit 1X",
            "RekeyLimit 1G soon",
            "RekeyLimit 1G 1h 1h",
            "FingerprintHash crc",
            "FingerprintHash sha-256",
            "MaxStartups 10:30",
            "MaxStartups bogus",
            "MaxStartups 10:0:20",
            "MaxStartups 10:101:20",
            "MaxStartups 30:30:20",
            "StreamLocalBindMask 9",
            "StreamLocalBindMask 1000",
            "PermitTunnel bogus",
            "PermitTunnel YES",
            "AuthorizedKeysCommand",
            "ForceCommand",
            "Match LocalPort 99999",
            "Match User a LocalPort -1",
        ] {
            assert!(!taken(line), "{line}");
        }
    }
}
