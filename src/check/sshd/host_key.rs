//! Which host keys sshd is configured to use.

use std::collections::HashSet;

use super::config::Config;
use super::keyword;
use crate::check::Audit;
use crate::error::Result;
use crate::rootfs::ImagePath;

/// The absolute paths of all `HostKey` directives, in order, each once. Nothing when there is no
/// configuration; sshd's own defaults are not among them.
///
/// # Errors
/// As for reading the configuration.
pub fn host_key_paths(audit: &Audit<'_>) -> Result<Vec<ImagePath>> {
    let Some(config) = Config::read(audit)? else { return Ok(Vec::new()) };
    let mut paths: Vec<ImagePath> = Vec::new();
    let mut known = HashSet::new();
    for setting in &config.settings {
        let named = setting.keyword.is_some_and(|k| matches!(k.name, "HostKey" | "HostDSAKey"));
        if named
            && let Ok(value) = keyword::single(&setting.said, &config.release)
            && let Ok(path) = ImagePath::parse(value)
            && known.insert(path.clone())
        {
            paths.push(path);
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{BULLSEYE, image};
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn paths() {
        let text = "HostKey /etc/ssh/a\n#HostKey /etc/ssh/b\nhostkey \"/srv/c d\"\n\
                    HostKey relative\nHostKey /etc/ssh//a\nInclude more\n";
        let root = image(BULLSEYE, text).file("/etc/ssh/more", "HostKey /etc/ssh/e\n");
        let paths: Vec<String> =
            host_key_paths(&(&root).into()).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["/etc/ssh/a", "/srv/c d", "/etc/ssh/e"]);
        assert!(host_key_paths(&(&MemoryRootfs::new()).into()).unwrap().is_empty());
    }
}
