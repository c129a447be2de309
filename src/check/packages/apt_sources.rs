//! Where apt takes packages from: shown to a person, never judged and never changed.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::chain::units::names_in;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{CONFIG_LIMIT, ImagePath, Rootfs};
use crate::text::apt_sources::{AptSource, one_line, stanzas};
use crate::text::lossless;
use crate::text::os_release;

/// Shows the sources of apt that are switched on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AptSources {}

const LIST: &str = "/etc/apt/sources.list";
const PARTS: &str = "/etc/apt/sources.list.d";
/// More sources than this are counted, not shown.
const SHOWN: usize = 64;

impl Primitive for AptSources {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let mut files = vec![ImagePath::parse(LIST)?];
        let parts = ImagePath::parse(PARTS)?;
        for name in names_in(root, &parts)?.iter() {
            let Some(name) = name.to_str() else { continue };
            // apt passes over every other name.
            let good = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
            if good && (name.ends_with(".list") || name.ends_with(".sources")) {
                files.push(parts.join(name)?);
            }
        }
        let mut sources: Vec<(ImagePath, AptSource)> = Vec::new();
        for path in files {
            let Some(bytes) = root.read_bytes(&path, CONFIG_LIMIT)? else { continue };
            let text = lossless::decode(&bytes);
            let read = if path.as_bytes().ends_with(b".sources") { stanzas } else { one_line };
            sources.extend(read(&text).into_iter().map(|s| (path.clone(), s)));
        }
        sources.retain(|(_, source)| source.kind == "deb");
        let mut evidence = vec![Evidence::note_only(summary(root, &sources)?)];
        for (path, source) in sources.iter().take(SHOWN) {
            let found = format!("{} {} {}", source.uri, source.suite, source.components);
            let shown = Evidence::at(path).line(source.line).found(found.trim_end());
            evidence.push(if source.trusted { shown.note(messages::trusted()) } else { shown });
        }
        if let Some(more) = sources.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            evidence.push(Evidence::note_only(messages::more_not_shown(more)));
        }
        Ok(Finding::Manual(evidence))
    }
}

/// Whether the release's own suite and its security suite are among the sources.
fn summary(root: &dyn Rootfs, sources: &[(ImagePath, AptSource)]) -> Result<Message> {
    if sources.is_empty() {
        return Ok(messages::no_sources());
    }
    let release = root.read_bytes(&ImagePath::parse("/etc/os-release")?, CONFIG_LIMIT)?;
    let codename = os_release::value(&release.unwrap_or_default(), "VERSION_CODENAME");
    let Some(codename) = codename.filter(|c| !c.is_empty()) else {
        return Ok(messages::sources(sources.len()));
    };
    let has = |suite: String| match sources.iter().any(|(_, s)| s.suite == suite) {
        true => messages::suite_listed(suite),
        false => messages::suite_not_listed(suite),
    };
    let security = format!("{codename}-security");
    Ok(messages::sources_of_suites(sources.len(), vec![has(codename), has(security)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::check;
    use crate::rootfs::MemoryRootfs;

    fn look(root: &MemoryRootfs) -> Vec<Evidence> {
        match check("apt_sources = {}").primitive().audit(root).unwrap() {
            Finding::Manual(evidence) => evidence,
            finding => panic!("{finding:?}"),
        }
    }

    #[test]
    fn sources_are_shown() {
        let root = MemoryRootfs::new()
            .file("/etc/os-release", "ID=ubuntu\nVERSION_CODENAME=bionic\n")
            .file(LIST, "deb http://a/ubuntu bionic main\n#deb http://a/ubuntu bionic-security x\n")
            .file("/etc/apt/sources.list.d/b.list", "deb [trusted=yes] http://b/ stable\n")
            .file("/etc/apt/sources.list.d/c.sources", "Types: deb\nURIs: http://c\nSuites: s\n")
            .file("/etc/apt/sources.list.d/d.list.save", "deb http://d x\n")
            .file("/etc/apt/sources.list.d/e list.list", "deb http://e x\n");
        let evidence = look(&root);
        assert_eq!(evidence.len(), 4);
        assert_eq!(
            evidence[0].note.as_ref().unwrap().to_string(),
            "3 sources of packages are enabled: one is for bionic; none is for bionic-security"
        );
        assert_eq!(
            evidence[1].found.as_ref().map(ToString::to_string).as_deref(),
            Some("http://a/ubuntu bionic main")
        );
        assert_eq!(
            evidence[2].note.as_ref().map(ToString::to_string).as_deref(),
            Some("trusted whatever its signature")
        );
    }

    #[test]
    fn odd_images() {
        let none = look(&MemoryRootfs::new());
        assert_eq!(
            none[0].note.as_ref().map(ToString::to_string).as_deref(),
            Some("apt has no source of packages")
        );
        let many = "deb http://a/ b c\n".repeat(1000);
        let many = look(&MemoryRootfs::new().file(LIST, many));
        assert_eq!(many.len(), SHOWN + 2);
        let bytes = look(&MemoryRootfs::new().file(LIST, b"# \xff\ndeb http://a b\n"));
        assert_eq!(bytes.len(), 2);
        let looped = MemoryRootfs::new().link(LIST, LIST);
        assert!(check("apt_sources = {}").primitive().audit(&looped).is_err());
    }
}
