//! `mountinfo`: the kernel's list of current mounts.

/// The flags of the mount on `target` (an absolute path) that is on top; `None` when nothing is
/// mounted there.
pub fn flags<'a>(text: &'a str, target: &str) -> Option<&'a str> {
    let target: String = target.chars().map(escaped).collect();
    text.lines()
        .rev()
        .map(|line| line.split(' '))
        .find_map(|mut fields| (fields.nth(4)? == target).then(|| fields.next()).flatten())
}

fn escaped(c: char) -> String {
    match c {
        ' ' => "\\040".to_owned(),
        '\t' => "\\011".to_owned(),
        '\n' => "\\012".to_owned(),
        '\\' => "\\134".to_owned(),
        c => c.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topmost_mount_answers() {
        let text = "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
                    30 22 0:30 / /tmp rw - tmpfs tmpfs rw\n\
                    31 30 0:31 / /tmp rw,nosuid - tmpfs tmpfs rw\n\
                    32 22 0:32 / /a\\040b ro - tmpfs tmpfs rw\nbroken\n";
        assert_eq!(flags(text, "/tmp"), Some("rw,nosuid"));
        assert_eq!(flags(text, "/a b"), Some("ro"));
        assert_eq!(flags(text, "/t"), None);
        assert_eq!(flags("", "/"), None);
    }
}
