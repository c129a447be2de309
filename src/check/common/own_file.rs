//! Names that a profile gives to files of our own.

use serde::{Deserialize, Deserializer, de};

use crate::rootfs::ImagePath;

/// Reads the path of a file of ours: one name in `dir` that ends in `.conf`.
///
/// # Errors
/// Of the deserializer: a reader of that directory would pass another name over.
pub(in crate::check) fn conf_in<'de, D: Deserializer<'de>>(
    deserializer: D,
    dir: &str,
) -> Result<ImagePath, D::Error> {
    let text = String::deserialize(deserializer)?;
    let name = text.strip_prefix(dir).and_then(|rest| rest.strip_prefix('/'));
    match (name.filter(|name| is_conf(name)), ImagePath::parse(&text)) {
        (Some(_), Ok(path)) => Ok(path),
        _ => Err(de::Error::custom(format!(
            "`{text}` is not the path of a file of ours; want one as {dir}/60-site.conf"
        ))),
    }
}

/// Reads the name of a drop-in of ours, which ends in `.conf`.
///
/// # Errors
/// Of the deserializer, for another name.
pub(in crate::check) fn conf_name<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if is_conf(&name) {
        return Ok(name);
    }
    Err(de::Error::custom(format!("`{name}` is not a drop-in's name; want one as 60-site.conf")))
}

/// Reads the word that marks names of ours, as `site`.
///
/// # Errors
/// Of the deserializer, for another word.
pub(in crate::check) fn mark<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    let mark = String::deserialize(deserializer)?;
    if !mark.is_empty() && mark.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Ok(mark);
    }
    Err(de::Error::custom(format!("`{mark}` is not a mark of names; want letters and digits")))
}

fn is_conf(name: &str) -> bool {
    let stem = name.strip_suffix(".conf").unwrap_or_default();
    let good = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    !stem.is_empty() && !stem.starts_with('.') && stem.bytes().all(good)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::words::try_check;

    #[test]
    fn a_name_that_its_reader_would_pass_over_is_refused() {
        let sysctl = |file: &str| {
            try_check(&format!(
                "sysctl = {{ key = \"a.b\", value = \"0\", file = \"{file}\", \
                 late_file = \"/etc/sysctl.d/99-x.conf\" }}"
            ))
        };
        assert!(sysctl("/etc/sysctl.d/60-site.conf").is_ok());
        for bad in [
            "60-site.conf",
            "/etc/sysctl.d/a",
            "/etc/sysctl.d/.conf",
            "/run/sysctl.d/a.conf",
            "/etc/sysctl.d/x/a.conf",
            "/etc/sysctl.d/../a.conf",
            "/etc/sysctl.d/.a.conf",
            "",
        ] {
            let e = sysctl(bad).unwrap_err();
            assert!(e.contains(&format!("`{bad}` is not the path of a file of ours")), "{e}");
        }
        let mount = "mount = { target = \"/tmp\", option = \"nodev\", drop_in = \"a/b.conf\" }";
        assert!(try_check(mount).unwrap_err().contains("`a/b.conf` is not a drop-in's name"));
        let conf = "systemd_conf = { name = \"a\", section = \"b\", key = \"c\", value = \"d\", \
                    mark = \"a/b\" }";
        assert!(try_check(conf).unwrap_err().contains("`a/b` is not a mark of names"));
    }
}
