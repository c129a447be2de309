//! What logrotate refuses: values, accounts that do not exist, and a place for old logs that is not
//! there.

use crate::check::logs::messages;
use crate::check::logs::nobody::nobody;
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::logrotate::{Directive, Item, Stanza};

/// The directive outside of stanzas that makes logrotate give up the whole file, and why.
pub(super) fn refused_global<'i>(
    root: &dyn Rootfs,
    path: &ImagePath,
    items: &'i [Item],
) -> Result<Option<(&'i Directive, Message)>> {
    for item in items {
        let Item::Global(directive) = item else { continue };
        let said = said(directive);
        if let Some(name) = missing_account(root, directive)? {
            let why = messages::file_names_nobody(path, directive.line, said, name);
            return Ok(Some((directive, why)));
        }
        if directive.is_refused(false) {
            return Ok(Some((directive, messages::file_has_refused(path, directive.line, said))));
        }
    }
    Ok(None)
}

/// Why logrotate drops the stanza, if it does.
pub(super) fn refused_in(
    root: &dyn Rootfs,
    path: &ImagePath,
    stanza: &Stanza,
) -> Result<Option<Message>> {
    for directive in &stanza.directives {
        let said = said(directive);
        if let Some(name) = missing_account(root, directive)? {
            return Ok(Some(messages::stanza_names_nobody(path, directive.line, said, name)));
        }
        if directive.is_refused(true) {
            return Ok(Some(messages::stanza_has_refused(path, directive.line, said)));
        }
    }
    Ok(None)
}

fn said(directive: &Directive) -> String {
    format!("{} {}", directive.name, directive.value).trim().to_owned()
}

/// The account that a directive names and the root does not have.
fn missing_account(root: &dyn Rootfs, directive: &Directive) -> Result<Option<String>> {
    let Some(owners) = directive.owners() else { return Ok(None) };
    nobody(root, owners.user, owners.group)
}

/// Where old logs go. logrotate gives up a whole file when that is not there.
#[derive(Default, Clone)]
pub(super) struct OldDir {
    dir: Option<String>,
    creates: bool,
}

impl OldDir {
    /// Takes what a directive says of it.
    pub fn read(&mut self, directive: &Directive) {
        match directive.name.as_str() {
            "olddir" => self.dir = Some(directive.value.clone()),
            "noolddir" => self.dir = None,
            "createolddir" => self.creates = true,
            "nocreateolddir" => self.creates = false,
            _ => {}
        }
    }

    /// Why logrotate gives up the file with these items, if it does.
    pub fn lost(
        mut self,
        root: &dyn Rootfs,
        path: &ImagePath,
        items: &[Item],
    ) -> Result<Option<Message>> {
        for item in items {
            let stanza = match item {
                Item::Global(directive) => {
                    self.read(directive);
                    continue;
                }
                Item::Stanza(stanza) => stanza,
            };
            let mut here = self.clone();
            stanza.directives.iter().for_each(|directive| here.read(directive));
            let Some(dir) = here.dir.filter(|_| !here.creates) else { continue };
            for pattern in &stanza.patterns {
                let parent = pattern.rsplit_once('/').map_or("", |(parent, _)| parent);
                let full = match dir.starts_with('/') {
                    true => dir.clone(),
                    false => format!("{parent}/{dir}"),
                };
                let Ok(place) = ImagePath::parse(&full) else { continue };
                if root.locate(&place)?.stat.is_none() {
                    return Ok(Some(messages::no_old_dir(path, stanza.line, full)));
                }
            }
        }
        Ok(None)
    }
}
