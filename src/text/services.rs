//! The names of network services, as in `/etc/services`.

/// Whether a service of that name, or with that alias, is there for this protocol.
pub fn has_service(text: &str, name: &str, protocol: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let (Some(service), Some(at)) = (words.next(), words.next()) else { return false };
        let fits = at.split_once('/').is_some_and(|(_, found)| found == protocol);
        fits && (service == name || words.any(|alias| alias == name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_aliases() {
        let text =
            "# ssh2 2/tcp\nssh 22/tcp # secure\nhttp\t80/tcp\twww www-http\nntp 123/udp\nodd\n";
        for (name, there) in
            [("ssh", true), ("www", true), ("ntp", false), ("ssh2", false), ("odd", false)]
        {
            assert_eq!(has_service(text, name, "tcp"), there, "{name}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_found(name in "[a-z]{1,8}", text in "[ -~\n]{0,80}") {
            let text = format!("{text}\n{name} 7/tcp\n");
            prop_assert!(has_service(&text, &name, "tcp"));
        }
    }
}
