//! Scripts that jobs and units start.

use std::collections::BTreeMap;

use super::Reader;
use crate::error::Result;
use crate::rootfs::ImagePath;
use crate::text::becomes::variables;

/// Files of variables that a script reads stand there.
const DEFAULTS: &str = "/etc/default/";

impl Reader<'_> {
    /// What a script becomes; nothing where the file is no text.
    pub(super) fn script(&mut self, path: &ImagePath) -> Result<()> {
        let Ok(at) = self.root.locate(path) else { return Ok(()) };
        if !self.seen.insert(at.path.clone()) {
            return Ok(());
        }
        let is_program = at.stat.is_some_and(|stat| stat.mode & 0o111 != 0);
        let Some(text) = self.text(&at.path) else { return Ok(()) };
        if is_program && !text.starts_with("#!") && !text.is_ascii() {
            return Ok(());
        }
        let mut given: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let words = text.split(|c: char| c.is_whitespace() || "\"';)".contains(c));
        for word in words.filter(|word| word.starts_with(DEFAULTS)) {
            let Ok(defaults) = ImagePath::parse(word) else { continue };
            for (name, values) in variables(&self.text(&defaults).unwrap_or_default()) {
                given.entry(name).or_default().extend(values);
            }
        }
        self.commands(&text, &given, |line| (path.clone(), line));
        Ok(())
    }
}
