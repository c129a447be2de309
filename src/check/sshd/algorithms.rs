//! Ciphers, MACs and key exchange: which names a release knows, and which it takes by default.

use super::release::{ALWAYS, NEWEST, Release, Version};

/// A kind of algorithm, and with it the directive that lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlgorithmList {
    Ciphers,
    Macs,
    Kex,
}

/// A name, the first release that knows it and the first that does not know it any more.
type Name = (&'static str, Version, Version);

const NEVER: Version = (u16::MAX, 0);

const CIPHERS: &[Name] = &[
    ("3des-cbc", ALWAYS, NEVER),
    ("aes128-cbc", ALWAYS, NEVER),
    ("aes192-cbc", ALWAYS, NEVER),
    ("aes256-cbc", ALWAYS, NEVER),
    ("rijndael-cbc@lysator.liu.se", ALWAYS, (8, 5)),
    ("aes128-ctr", ALWAYS, NEVER),
    ("aes192-ctr", ALWAYS, NEVER),
    ("aes256-ctr", ALWAYS, NEVER),
    ("aes128-gcm@openssh.com", ALWAYS, NEVER),
    ("aes256-gcm@openssh.com", ALWAYS, NEVER),
    ("chacha20-poly1305@openssh.com", ALWAYS, NEVER),
];

const MACS: &[Name] = &[
    ("hmac-sha1", ALWAYS, NEVER),
    ("hmac-sha1-96", ALWAYS, NEVER),
    ("hmac-sha2-256", ALWAYS, NEVER),
    ("hmac-sha2-512", ALWAYS, NEVER),
    ("hmac-md5", ALWAYS, NEVER),
    ("hmac-md5-96", ALWAYS, NEVER),
    ("umac-64@openssh.com", ALWAYS, NEVER),
    ("umac-128@openssh.com", ALWAYS, NEVER),
    ("hmac-sha1-etm@openssh.com", ALWAYS, NEVER),
    ("hmac-sha1-96-etm@openssh.com", ALWAYS, NEVER),
    ("hmac-sha2-256-etm@openssh.com", ALWAYS, NEVER),
    ("hmac-sha2-512-etm@openssh.com", ALWAYS, NEVER),
    ("hmac-md5-etm@openssh.com", ALWAYS, NEVER),
    ("hmac-md5-96-etm@openssh.com", ALWAYS, NEVER),
    ("umac-64-etm@openssh.com", ALWAYS, NEVER),
    ("umac-128-etm@openssh.com", ALWAYS, NEVER),
];

const KEX: &[Name] = &[
    ("diffie-hellman-group1-sha1", ALWAYS, NEVER),
    ("diffie-hellman-group14-sha1", ALWAYS, NEVER),
    ("diffie-hellman-group14-sha256", ALWAYS, NEVER),
    ("diffie-hellman-group16-sha512", ALWAYS, NEVER),
    ("diffie-hellman-group18-sha512", ALWAYS, NEVER),
    ("diffie-hellman-group-exchange-sha1", ALWAYS, NEVER),
    ("diffie-hellman-group-exchange-sha256", ALWAYS, NEVER),
    ("ecdh-sha2-nistp256", ALWAYS, NEVER),
    ("ecdh-sha2-nistp384", ALWAYS, NEVER),
    ("ecdh-sha2-nistp521", ALWAYS, NEVER),
    ("curve25519-sha256", ALWAYS, NEVER),
    ("curve25519-sha256@libssh.org", ALWAYS, NEVER),
    ("sntrup4591761x25519-sha512@tinyssh.org", (8, 0), (8, 5)),
    ("sntrup761x25519-sha512@openssh.com", (8, 5), NEVER),
    // New in 9.9, but Debian gave it to its 9.2.
    ("sntrup761x25519-sha512", (9, 2), NEVER),
    ("mlkem768x25519-sha256", (9, 9), NEVER),
];

/// The default lists, each from the release it came with.
const CIPHER_DEFAULTS: &[(Version, &[&str])] = &[
    (
        ALWAYS,
        &[
            "chacha20-poly1305@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr",
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
        ],
    ),
    (
        (10, 0),
        &[
            "chacha20-poly1305@openssh.com",
            "aes128-gcm@openssh.com",
            "aes256-gcm@openssh.com",
            "aes128-ctr",
            "aes192-ctr",
            "aes256-ctr",
        ],
    ),
];

const MAC_DEFAULTS: &[(Version, &[&str])] = &[(
    ALWAYS,
    &[
        "umac-64-etm@openssh.com",
        "umac-128-etm@openssh.com",
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha1-etm@openssh.com",
        "umac-64@openssh.com",
        "umac-128@openssh.com",
        "hmac-sha2-256",
        "hmac-sha2-512",
        "hmac-sha1",
    ],
)];

const KEX_DEFAULTS: &[(Version, &[&str])] = &[
    (
        ALWAYS,
        &[
            "curve25519-sha256",
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
            "ecdh-sha2-nistp521",
            "diffie-hellman-group-exchange-sha256",
            "diffie-hellman-group16-sha512",
            "diffie-hellman-group18-sha512",
            "diffie-hellman-group14-sha256",
            "diffie-hellman-group14-sha1",
        ],
    ),
    (
        (8, 4),
        &[
            "curve25519-sha256",
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
            "ecdh-sha2-nistp521",
            "diffie-hellman-group-exchange-sha256",
            "diffie-hellman-group16-sha512",
            "diffie-hellman-group18-sha512",
            "diffie-hellman-group14-sha256",
        ],
    ),
    (
        (9, 2),
        &[
            "sntrup761x25519-sha512@openssh.com",
            "curve25519-sha256",
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
            "ecdh-sha2-nistp521",
            "diffie-hellman-group-exchange-sha256",
            "diffie-hellman-group16-sha512",
            "diffie-hellman-group18-sha512",
            "diffie-hellman-group14-sha256",
        ],
    ),
    (
        (10, 0),
        &[
            "mlkem768x25519-sha256",
            "sntrup761x25519-sha512",
            "sntrup761x25519-sha512@openssh.com",
            "curve25519-sha256",
            "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256",
            "ecdh-sha2-nistp384",
            "ecdh-sha2-nistp521",
        ],
    ),
];

impl AlgorithmList {
    /// The list that applies where nothing is set: of the newest known release that is not newer.
    /// Only a few releases were looked at; between two of them the older one's list is supposed.
    pub fn defaults(self, release: &Release) -> &'static [&'static str] {
        let table = match self {
            AlgorithmList::Ciphers => CIPHER_DEFAULTS,
            AlgorithmList::Macs => MAC_DEFAULTS,
            AlgorithmList::Kex => KEX_DEFAULTS,
        };
        let latest = table.iter().rev().find(|(since, _)| *since <= release.version);
        latest.map(|(_, names)| *names).unwrap_or_default()
    }

    /// Whether the release knows the name. Names are case-sensitive. A release newer than all that
    /// are known here may know any.
    pub fn knows(self, release: &Release, name: &str) -> bool {
        let known = self
            .table()
            .iter()
            .any(|(n, since, until)| *n == name && (*since..*until).contains(&release.version));
        (known || release.version > NEWEST) && !(release.fips && refused_by_fips(name))
    }

    /// Whether it is a name to any release known here.
    pub fn is_name(self, name: &str) -> bool {
        self.table().iter().any(|(n, ..)| *n == name)
    }

    fn table(self) -> &'static [Name] {
        match self {
            AlgorithmList::Ciphers => CIPHERS,
            AlgorithmList::Macs => MACS,
            AlgorithmList::Kex => KEX,
        }
    }

    /// The names that Packer's own SSH client (1.6.6) can use, as far as they were tried.
    pub fn packer(self) -> &'static [&'static str] {
        match self {
            AlgorithmList::Ciphers => {
                &["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr"]
            }
            AlgorithmList::Macs => &["hmac-sha2-256", "hmac-sha2-256-etm@openssh.com"],
            AlgorithmList::Kex => {
                &["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"]
            }
        }
    }
}

/// Whether the FIPS build refuses to start with the name in a list.
pub(super) fn refused_by_fips(name: &str) -> bool {
    ["chacha20", "curve25519", "umac", "sntrup", "mlkem"].iter().any(|p| name.starts_with(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(version: Version) -> Release {
        Release { version, fips: false, known: true }
    }

    #[test]
    fn every_default_is_known_to_its_release() {
        for version in [(7, 6), (8, 4), (9, 2), (10, 0)] {
            for kind in [AlgorithmList::Ciphers, AlgorithmList::Macs, AlgorithmList::Kex] {
                let release = release(version);
                for name in kind.defaults(&release) {
                    assert!(kind.knows(&release, name), "{version:?} {name}");
                }
            }
        }
    }

    #[test]
    fn names_come_and_go() {
        let kex = |version, name| AlgorithmList::Kex.knows(&release(version), name);
        assert!(!kex((7, 6), "mlkem768x25519-sha256") && kex((10, 0), "mlkem768x25519-sha256"));
        assert!(kex((11, 0), "of-the-future") && !kex((10, 0), "of-the-future"));
        assert!(!AlgorithmList::Macs.knows(&release((7, 6)), "hmac-ripemd160"));
        assert!(!AlgorithmList::Ciphers.knows(&release((7, 6)), "AES256-CTR"), "case counts");
        assert_eq!(
            AlgorithmList::Kex.defaults(&release((8, 9))).len(),
            9,
            "the nearest older list"
        );
        assert_eq!(AlgorithmList::Kex.defaults(&release((6, 6))).len(), 10, "the oldest there is");
    }

    #[test]
    fn the_fips_build_refuses_some() {
        let fips = Release { fips: true, ..release((7, 6)) };
        assert!(!AlgorithmList::Kex.knows(&fips, "curve25519-sha256"));
        assert!(AlgorithmList::Kex.knows(&fips, "ecdh-sha2-nistp256"));
    }
}
