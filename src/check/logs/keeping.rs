//! What keeps rsyslogd from keeping messages: inputs that are not loaded, and actions that write
//! nothing.

use std::collections::BTreeMap;

use super::messages;
use super::nobody::nobody;
use super::rsyslog::Config;
use crate::check::Evidence;
use crate::check::chain;
use crate::check::logs::rsyslog::MAIN;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::rsyslog::{Mask, Object, Target, TokenKind, file_mode, mask};

/// The owner's right to write.
const OWNER_WRITES: u32 = 0o200;

/// Which messages no input takes in, and what is missing. A root without an init is fed from
/// outside.
pub(super) fn lost_at_input(root: &dyn Rootfs, config: &Config) -> Result<Vec<(Mask, Evidence)>> {
    if !chain::has_init(root)? {
        return Ok(Vec::new());
    }
    let kernel = mask("kern.*").unwrap_or(Mask::NONE);
    let journal = loads(config, "imjournal") && has_module(root, "imjournal.so")?;
    let socket = loads(config, "imuxsock") && !ignores_socket(config);
    let mut lost = Vec::new();
    if !journal && !socket {
        lost.push((Mask::ALL.without(kernel), evidence(config, "imuxsock")?));
    }
    if !journal && !loads(config, "imklog") && !loads(config, "imkmsg") {
        lost.push((kernel, evidence(config, "imklog")?));
    }
    Ok(lost)
}

/// The place where the module would be loaded: its line that is commented out, if there is one.
fn evidence(config: &Config, module: &str) -> Result<Evidence> {
    let main = ImagePath::parse(MAIN)?;
    let Some(source) = config.main() else { return Ok(Evidence::at(&main)) };
    let off = |line: &str| line.trim_start().starts_with('#') && line.contains(module);
    let at = Evidence::at(&source.path);
    let at = match source.text.lines().position(off) {
        Some(line) => at.line(line + 1),
        None => at,
    };
    Ok(at.note(messages::input_not_loaded(module)))
}

/// Whether a module is loaded, in the old form or the new one.
fn loads(config: &Config, module: &str) -> bool {
    let is_it = |value: &str| {
        let name = value.rsplit('/').next().unwrap_or(value);
        name.strip_suffix(".so").unwrap_or(name).eq_ignore_ascii_case(module)
    };
    config.kinds().any(|kind| match kind {
        TokenKind::Directive(directive) if directive.name == "modload" => {
            directive.value.split_whitespace().next().is_some_and(is_it)
        }
        TokenKind::Object(object) if object.name == "module" => {
            object.value("load").is_some_and(is_it)
        }
        _ => false,
    })
}

/// Whether imuxsock is not to listen on the system's socket.
fn ignores_socket(config: &Config) -> bool {
    config.kinds().any(|kind| match kind {
        TokenKind::Directive(directive) if directive.name == "omitlocallogging" => {
            directive.value.to_ascii_lowercase().starts_with("on")
        }
        TokenKind::Object(object) if object.name == "module" => {
            object.value("syssock.use").is_some_and(|value| value.eq_ignore_ascii_case("off"))
        }
        _ => false,
    })
}

/// Whether a module's file is there. A tree without any is a part of one.
fn has_module(root: &dyn Rootfs, name: &str) -> Result<bool> {
    let lib = ImagePath::parse("/usr/lib")?;
    let mut dirs = vec![lib.clone()];
    match root.list(&lib) {
        Ok(names) => {
            for name in names.unwrap_or_default().iter() {
                dirs.push(lib.join(name)?);
            }
        }
        Err(Error::WrongKind { .. }) => {}
        Err(e) => return Err(e),
    }
    let mut any = false;
    for dir in dirs {
        let dir = dir.join("rsyslog")?;
        if root.locate(&dir)?.stat.is_none_or(|stat| stat.kind != FileKind::Dir) {
            continue;
        }
        any = true;
        if root.locate(&dir.join(name)?)?.stat.is_some() {
            return Ok(true);
        }
    }
    Ok(!any)
}

/// Whether rsyslogd gives up root's rights, and with them the right to open a file against its
/// mode.
pub(super) fn drops_root(config: &Config) -> bool {
    let is_user = |value: &str| !matches!(value, "" | "root" | "0");
    config.kinds().any(|kind| match kind {
        TokenKind::Directive(directive) => {
            matches!(directive.name.as_str(), "privdroptouser" | "privdroptouserid")
                && directive.value.split_whitespace().next().is_some_and(is_user)
        }
        TokenKind::Object(object) if object.name == "global" => {
            ["privdrop.user.name", "privdrop.user.id"]
                .iter()
                .any(|name| object.value(name).is_some_and(is_user))
        }
        _ => false,
    })
}

/// Whether a file of this mode takes messages of an rsyslogd that has given up root's rights.
pub(super) fn takes_messages(mode: u32) -> bool {
    mode & OWNER_WRITES != 0
}

/// The actions that keep nothing, by token, and why.
pub(super) fn useless(root: &dyn Rootfs, config: &Config) -> Result<BTreeMap<usize, Message>> {
    let drops = drops_root(config);
    let mut out = BTreeMap::new();
    // What the directives have set so far; what objects get without a parameter of their own.
    let (mut mode, mut of_objects) = (None, None);
    let mut template_lost = false;
    for (token, found) in config.tokens() {
        let kind = &found.kind;
        match kind {
            TokenKind::Directive(directive) => match directive.name.as_str() {
                "filecreatemode" => mode = file_mode(&directive.value).or(mode),
                "resetconfigvariables" => (mode, template_lost) = (None, true),
                "actionfiledefaulttemplate" => template_lost = false,
                _ => {}
            },
            TokenKind::Object(object) if object.name == "module" && object.is_of("omfile") => {
                of_objects = own_mode(object).or(of_objects);
            }
            _ => {}
        }
        let path = match Target::of(kind) {
            Some(Target::File(path)) => Some(path),
            Some(Target::DynamicFile) => None,
            _ => continue,
        };
        let (mode, names_template) = match kind {
            TokenKind::Object(object) => {
                (own_mode(object).or(of_objects), object.get("template").is_some())
            }
            TokenKind::Action(text) => (mode, text.contains(';')),
            _ => continue,
        };
        let why = if let Some(name) = owner_nobody_has(root, kind)? {
            messages::action_names_nobody(name)
        } else if let Some(mode) = mode.filter(|mode| drops && !takes_messages(*mode)) {
            messages::created_unwritable(format!("{mode:04o}"))
        } else if template_lost && !names_template {
            messages::template_forgotten()
        } else if let Some(null) = leads_to_device(root, path.as_deref())? {
            messages::leads_to_device(null)
        } else {
            continue;
        };
        out.insert(token, why);
    }
    Ok(out)
}

/// The account that an action object names and the root does not have: rsyslogd then drops the
/// action. (It only reports an unknown account of a directive.)
fn owner_nobody_has(root: &dyn Rootfs, kind: &TokenKind) -> Result<Option<String>> {
    let TokenKind::Object(object) = kind else { return Ok(None) };
    for (user, group) in [("fileowner", "filegroup"), ("dirowner", "dirgroup")] {
        let missing = nobody(root, object.value(user), object.value(group))?;
        if missing.is_some() {
            return Ok(missing);
        }
    }
    Ok(None)
}

fn own_mode(object: &Object) -> Option<u32> {
    object.value("filecreatemode").and_then(file_mode)
}

/// The device that a path outside of `/dev` leads to.
pub(super) fn leads_to_device(root: &dyn Rootfs, path: Option<&str>) -> Result<Option<ImagePath>> {
    let Some(path) = path.filter(|path| !path.starts_with("/dev/")) else { return Ok(None) };
    let Ok(path) = ImagePath::parse(path) else { return Ok(None) };
    let at = root.locate(&path)?.path;
    Ok(at.as_bytes().starts_with(b"/dev/").then_some(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    fn config(root: &MemoryRootfs) -> std::rc::Rc<Config> {
        Config::read(&root.into()).unwrap().unwrap()
    }

    fn booting(main: &str) -> MemoryRootfs {
        MemoryRootfs::new()
            .file_with("/lib/systemd/systemd", "", 0o755, 0, 0)
            .file("/lib/systemd/system/default.target", "[Unit]\n")
            .file(MAIN, main)
    }

    fn lost(root: &MemoryRootfs) -> Vec<(Mask, Option<usize>)> {
        let lost = lost_at_input(root, &config(root)).unwrap();
        lost.into_iter().map(|(mask, evidence)| (mask, evidence.line)).collect()
    }

    #[test]
    fn inputs() {
        let kernel = mask("kern.*").unwrap();
        let rest = Mask::ALL.without(kernel);
        for (main, want) in [
            ("module(load=\"imuxsock\")\nmodule(load=\"imklog\")\n", vec![]),
            ("$ModLoad imuxsock.so\n$ModLoad imklog # kernel\n", vec![]),
            ("module(load=\"imuxsock\" SysSock.Use=\"off\")\nmodule(load=\"imjournal\")\n", vec![]),
            ("#module(load=\"imuxsock\")\n$ModLoad imklog\n", vec![(rest, Some(1))]),
            ("$ModLoad imuxsock\n\n# $ModLoad imklog\n", vec![(kernel, Some(3))]),
            ("$ModLoad imuxsock\n$OmitLocalLogging on\n$ModLoad imklog\n", vec![(rest, None)]),
            ("module(load=\"imudp\")\n", vec![(rest, None), (kernel, None)]),
        ] {
            assert_eq!(lost(&booting(main)), want, "{main}");
        }
        assert_eq!(lost(&MemoryRootfs::new().file(MAIN, "")), [], "fed from outside");
        let journal = booting("$ModLoad imjournal\n").dir("/usr/lib/x/rsyslog", 0o755, 0, 0);
        assert_eq!(lost(&journal).len(), 2, "there is no such module");
        assert_eq!(lost(&journal.file("/usr/lib/x/rsyslog/imjournal.so", "")), []);
    }

    #[test]
    fn actions_that_keep_nothing() {
        let drop = "$PrivDropToUser syslog\n";
        let useless = |text: &str| {
            let root = MemoryRootfs::new()
                .file(MAIN, text)
                .file("/etc/passwd", "root:x:0:0::/:/bin/sh\n")
                .file("/etc/group", "root:x:0:\nadm:x:4:\n");
            let root = root.link("/var/log/null", "/dev/null");
            useless(&root, &config(&root)).unwrap().len()
        };
        for (text, want) in [
            (format!("{drop}$FileCreateMode 0440\n*.* /x\n*.* ?T\n*.* :omusrmsg:*\n"), 2),
            (format!("{drop}$FileCreateMode 0440\n$FileCreateMode 0200\n*.* /x\n"), 0),
            (format!("{drop}$FileCreateMode 0440\n$FileCreateMode 9\n*.* /x\n"), 1),
            ("$FileCreateMode 0440\n*.* /x\n".to_owned(), 0),
            (format!("{drop}action(type=\"omfile\" file=\"/x\" fileCreateMode=\"0440\")\n"), 1),
            (
                format!(
                    "{drop}module(load=\"builtin:omfile\" fileCreateMode=\"0400\")\naction(type=\"omfile\" file=\"/x\")\n"
                ),
                1,
            ),
            ("$ResetConfigVariables\n*.* /x\n*.* /y;T\n".to_owned(), 1),
            ("*.* /x\n$ResetConfigVariables\n$ActionFileDefaultTemplate T\n*.* /y\n".to_owned(), 0),
            ("*.* -/var/log/null\n*.* /dev/console\n".to_owned(), 1),
            ("action(type=\"omfile\" file=\"/x\" fileOwner=\"nouser\")\n".to_owned(), 1),
            ("action(type=\"omfile\" file=\"/x\" dirGroup=\"nogroup\")\n".to_owned(), 1),
            (
                "action(type=\"omfile\" file=\"/x\" fileOwner=\"root\" fileGroup=\"adm\")\n"
                    .to_owned(),
                0,
            ),
            ("$FileOwner nouser\n*.* /x\n".to_owned(), 0),
        ] {
            assert_eq!(useless(&text), want, "{text}");
        }
    }
}
