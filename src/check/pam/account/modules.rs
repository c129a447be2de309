//! The modules of account stacks whose answers stand in the tree.

use super::{Said, Who};
use crate::check::pam::messages;
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::access_conf::{Fits, entries, list_fits};
use crate::text::pam::Rule;

/// A module's answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    Lets,
    Ignores,
    Refuses(Said),
    CannotTell(Said),
}

/// Modules that have a say elsewhere (dates and locks are read from `shadow`), or none here.
const QUIET: [&str; 14] = [
    "pam_unix.so",
    "pam_permit.so",
    "pam_env.so",
    "pam_limits.so",
    "pam_loginuid.so",
    "pam_keyinit.so",
    "pam_selinux.so",
    "pam_systemd.so",
    "pam_motd.so",
    "pam_mail.so",
    "pam_lastlog.so",
    "pam_rootok.so",
    "pam_localuser.so",
    "pam_cap.so",
];
/// While one of these is there, only root logs in.
const NOLOGIN: [&str; 2] = ["/var/run/nologin", "/etc/nologin"];

/// A line of a stack.
pub(super) struct Module<'a> {
    pub rule: &'a Rule,
    pub path: &'a ImagePath,
    pub line: usize,
}

impl Module<'_> {
    /// What the line says.
    pub fn said(&self, says: Message) -> Said {
        Said { says, path: self.path.clone(), line: self.line }
    }

    /// Its answer about somebody.
    pub fn answer(&self, root: &dyn Rootfs, who: &Who) -> Result<Answer> {
        let name = self.rule.module.rsplit('/').next().unwrap_or_default();
        Ok(match name {
            "pam_deny.so" => Answer::Refuses(self.said(messages::denies_everybody())),
            "pam_access.so" => self.access(root, who)?,
            "pam_listfile.so" => self.list_file(root, who)?,
            "pam_succeed_if.so" => self.succeed_if(who),
            "pam_nologin.so" => self.nologin(root, who)?,
            "pam_time.so" => self.time(root, who)?,
            name if QUIET.contains(&name) => Answer::Lets,
            name => self.cannot_tell(name),
        })
    }

    fn cannot_tell(&self, what: &str) -> Answer {
        Answer::CannotTell(self.said(messages::answer_not_in_the_tree(what)))
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.rule.value(name).map(|(_, value)| value)
    }

    fn nologin(&self, root: &dyn Rootfs, who: &Who) -> Result<Answer> {
        if who.uid == 0 {
            return Ok(Answer::Lets);
        }
        let own = self.value("file");
        for file in own.map_or(&NOLOGIN[..], |_| &[]).iter().copied().chain(own) {
            let path = ImagePath::parse(file)?;
            if root.locate(&path)?.stat.is_some() {
                let says = messages::only_root_logs_in();
                return Ok(Answer::Refuses(Said { says, path, line: 0 }));
            }
        }
        Ok(Answer::Lets)
    }

    /// pam_access: the first line whose users and origins fit decides.
    fn access(&self, root: &dyn Rootfs, who: &Who) -> Result<Answer> {
        let path =
            ImagePath::parse(self.value("accessfile").unwrap_or("/etc/security/access.conf"))?;
        let text = root.read(&path)?.unwrap_or_default();
        let field = self.value("fieldsep").and_then(|v| v.chars().next()).unwrap_or(':');
        let lists: Vec<char> = match self.value("listsep") {
            Some(given) => given.chars().collect(),
            None => vec![',', ' ', '\t'],
        };
        let names_groups = !self.rule.has("nodefgroup");
        let user = |word: &str| {
            let (word, host) =
                word.split_once('@').filter(|(w, _)| !w.is_empty()).unwrap_or((word, ""));
            let group = word.strip_prefix('(').and_then(|w| w.strip_suffix(')'));
            let fits = match group {
                _ if word.starts_with('@') => return Fits::Perhaps,
                Some(group) => who.groups.contains(group),
                None => {
                    word == "ALL" || word == who.name || (names_groups && who.groups.contains(word))
                }
            };
            match (fits, host) {
                (true, "") => Fits::Yes,
                (true, _) => Fits::Perhaps,
                (false, _) => Fits::No,
            }
        };
        let origin = |word: &str| match word {
            "ALL" => Fits::Yes,
            // Who logs in over the network comes from a host with a name or an address.
            "LOCAL" => Fits::No,
            word if word.starts_with("tty") || word.starts_with(':') || word == "cron" => Fits::No,
            _ => Fits::Perhaps,
        };
        for entry in entries(&text, field, &lists) {
            let fits = [list_fits(&entry.users, &user), list_fits(&entry.origins, &origin)];
            if fits.contains(&Fits::No) {
                continue;
            }
            let said = Said {
                says: messages::access_refuses(entry.users.join(" ")),
                path: path.clone(),
                line: entry.line,
            };
            match (entry.allows, fits == [Fits::Yes; 2]) {
                (true, _) => return Ok(Answer::Lets),
                (false, true) => return Ok(Answer::Refuses(said)),
                // Who may not come from some hosts may come from others.
                (false, false) if fits[0] == Fits::Yes => {}
                (false, false) => return Ok(Answer::CannotTell(said)),
            }
        }
        Ok(Answer::Lets)
    }

    /// pam_listfile: a file of names, who is in it is let in or refused.
    fn list_file(&self, root: &dyn Rootfs, who: &Who) -> Result<Answer> {
        let (Some(item), Some(sense), Some(file)) =
            (self.value("item"), self.value("sense"), self.value("file"))
        else {
            return Ok(self.cannot_tell("pam_listfile.so"));
        };
        let path = ImagePath::parse(file)?;
        let applies = match self.value("apply") {
            None => true,
            Some(apply) => match apply.strip_prefix('@') {
                Some(group) => who.groups.contains(group),
                None => apply == who.name,
            },
        };
        if !applies {
            return Ok(Answer::Ignores);
        }
        let Some(text) = root.read(&path)? else {
            let fails = self.value("onerr").is_none_or(|v| v != "succeed");
            let says = messages::list_is_missing(&path);
            return Ok(if fails { Answer::Refuses(self.said(says)) } else { Answer::Lets });
        };
        let listed = |name: &str| text.lines().position(|line| line.trim_end() == name);
        let found = match item {
            "user" => listed(&who.name),
            "group" => who.groups.iter().find_map(|group| listed(group)),
            "shell" => listed(&who.shell),
            _ => return Ok(self.cannot_tell("pam_listfile.so")),
        };
        Ok(match (found, sense) {
            (Some(_), "allow") | (None, "deny") => Answer::Lets,
            (Some(at), _) => {
                Answer::Refuses(Said { says: messages::listed(&who.name), path, line: at + 1 })
            }
            (None, _) => {
                Answer::Refuses(Said { says: messages::not_listed(&who.name), path, line: 0 })
            }
        })
    }

    /// pam_succeed_if: conditions about the account, all of which must hold.
    fn succeed_if(&self, who: &Who) -> Answer {
        const FLAGS: [&str; 7] =
            ["debug", "use_uid", "quiet", "quiet_fail", "quiet_success", "audit", "nullok"];
        let mut words =
            self.rule.arguments.iter().map(|a| a.text.as_str()).filter(|w| !FLAGS.contains(w));
        while let Some(field) = words.next() {
            let (Some(test), Some(value)) = (words.next(), words.next()) else {
                return self.cannot_tell("pam_succeed_if.so");
            };
            let Some(holds) = condition(who, field, test, value) else {
                return self.cannot_tell("pam_succeed_if.so");
            };
            if !holds {
                let says = messages::does_not_hold(format!("{field} {test} {value}"));
                return Answer::Refuses(self.said(says));
            }
        }
        Answer::Lets
    }

    /// pam_time: a line for this service and account keeps them out at some hours.
    fn time(&self, root: &dyn Rootfs, who: &Who) -> Result<Answer> {
        let path = ImagePath::parse("/etc/security/time.conf")?;
        let text = root.read(&path)?.unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            let fields: Vec<&str> = line.split(';').map(str::trim).collect();
            let [services, _, users, times] = fields[..] else { continue };
            let may_be = |list: &str, name: &str| {
                list.contains('!') || list.split('|').any(|w| w.trim() == "*" || w.trim() == name)
            };
            if may_be(services, "sshd") && may_be(users, &who.name) && times != "Al0000-2400" {
                let says = messages::depends_on_the_hour();
                return Ok(Answer::CannotTell(Said { says, path, line: number + 1 }));
            }
        }
        Ok(Answer::Lets)
    }
}

/// A condition of pam_succeed_if; `None` where it cannot be judged.
fn condition(who: &Who, field: &str, test: &str, value: &str) -> Option<bool> {
    let text = match field {
        "user" => who.name.clone(),
        "uid" => who.uid.to_string(),
        "gid" => who.gid.to_string(),
        "shell" => who.shell.clone(),
        "home" => who.home.clone(),
        _ => return None,
    };
    let number = |f: &dyn Fn(i64, i64) -> bool| Some(f(text.parse().ok()?, value.parse().ok()?));
    let in_list = || value.split(':').any(|v| v == text);
    let in_group = || value.split(':').any(|v| who.groups.contains(v));
    match test {
        "=" => Some(text == value),
        "!=" => Some(text != value),
        "eq" => number(&|a, b| a == b),
        "ne" => number(&|a, b| a != b),
        "lt" => number(&|a, b| a < b),
        "le" => number(&|a, b| a <= b),
        "gt" => number(&|a, b| a > b),
        "ge" => number(&|a, b| a >= b),
        "in" => Some(in_list()),
        "notin" => Some(!in_list()),
        "ingroup" if field == "user" => Some(in_group()),
        "notingroup" if field == "user" => Some(!in_group()),
        _ => None,
    }
}
