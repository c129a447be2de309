//! What makes sshd refuse a line because of others: those before it, the rest of the file, the
//! command line.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, DirectiveLine, MatchScope};
use super::forms::{Form, names_key_types};
use super::keyword::{Keyword, Takes, conditions, shorten, single, words};
use super::keywords;
use super::messages;
use super::options;
use super::release::Release;
use crate::check::Audit;
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::services::has_service;
use crate::text::sshd_config::{Statement, Style, remainder, statement};
use crate::text::sshd_value::port;

/// Before 7.7 each of the four lists of users and groups holds this many names.
const NAMES_LIMIT: usize = 256;
/// Where names of ports are looked up.
const SERVICES: &str = "/etc/services";
/// Programs that sshd runs only as a user that is named.
const COMMANDS: [(&str, &str); 2] = [
    ("AuthorizedKeysCommand", "AuthorizedKeysCommandUser"),
    ("AuthorizedPrincipalsCommand", "AuthorizedPrincipalsCommandUser"),
];
const KEY_TYPES: Takes = Takes::Checked(Form::KeyTypes);
const METHODS: &str = "AuthenticationMethods";

/// What was read so far.
pub(super) struct Whole<'a> {
    root: &'a dyn Rootfs,
    release: Release,
    names: BTreeMap<&'static str, usize>,
    subsystems: BTreeSet<String>,
    /// Keywords of which sshd looks at the first line only.
    settled: BTreeSet<&'static str>,
    services: Option<String>,
}

impl<'a> Whole<'a> {
    /// Nothing yet.
    pub fn new(root: &'a dyn Rootfs, release: Release) -> Whole<'a> {
        Whole {
            root,
            release,
            names: BTreeMap::new(),
            subsystems: BTreeSet::new(),
            settled: BTreeSet::new(),
            services: None,
        }
    }

    /// Why sshd refuses a line of a keyword that it has, where `line` is as written.
    ///
    /// # Errors
    /// The names of services cannot be read.
    pub fn refusal(
        &mut self,
        line: &str,
        said: &Statement,
        keyword: &'static Keyword,
        place: MatchScope,
    ) -> Result<Option<Message>> {
        // Once stated, what follows is not looked at.
        if keyword.name == METHODS && self.settled.contains(METHODS) {
            return Ok(None);
        }
        if let Some(why) = keyword.refusal(said, &self.release) {
            return Ok(Some(why));
        }
        let services = match keyword.takes {
            Takes::Checked(form) => form.services(said),
            Takes::Match => local_services(&conditions(said, &self.release)),
            _ => Vec::new(),
        };
        for name in services {
            if !self.is_service(name)? {
                return Ok(Some(messages::no_service(shorten(name))));
            }
        }
        if place.is_active()
            && (keyword.name == METHODS || keyword.takes == KEY_TYPES || command(keyword).is_some())
            && self.settled.insert(keyword.name)
        {
            if command(keyword).is_some() && !self.is_command(line, said) {
                return Ok(Some(messages::relative_command()));
            }
            if let Some(name) = self.unresolved(said, keyword) {
                return Ok(Some(messages::not_a_value(shorten(name), keyword.name)));
            }
        }
        Ok(match keyword.takes {
            Takes::Names if place.is_active() && self.release.version < (7, 7) => {
                let names = self.names.entry(keyword.name).or_default();
                *names += words(said, &self.release).map_or(0, |w| w.len());
                (*names > NAMES_LIMIT).then(|| messages::too_many_names(NAMES_LIMIT))
            }
            Takes::Subsystem if self.release.version < (9, 5) => {
                let Some(name) = said.args.first() else { return Ok(None) };
                let new = self.subsystems.insert(name.clone());
                (!new).then(|| messages::subsystem_twice(shorten(name)))
            }
            _ => None,
        })
    }

    /// From 7.9 on the first list of types is resolved when sshd starts: it then takes no exclusion, and
    /// a list that replaces the default names a type in full.
    fn unresolved<'s>(&self, said: &'s Statement, keyword: &Keyword) -> Option<&'s str> {
        let list = said.args.first().filter(|_| keyword.takes == KEY_TYPES)?;
        if self.release.version < (7, 9) || list.starts_with('-') {
            return None;
        }
        let more = list.starts_with(['+', '^']);
        let names = || list.trim_start_matches(['+', '^']).split(',');
        let names_one = more || names().any(|name| names_key_types(name, &self.release));
        names().find(|name| name.starts_with('!')).or((!names_one).then_some(list))
    }

    fn is_service(&mut self, name: &str) -> Result<bool> {
        let services = match &mut self.services {
            Some(services) => services,
            none => {
                let text = self.root.read(&ImagePath::parse(SERVICES)?)?;
                none.insert(text.unwrap_or_default())
            }
        };
        Ok(has_service(services, name, "tcp"))
    }

    /// Whether sshd takes a command: an absolute path, or `none` and nothing else. It reads the line as
    /// written: a path in quotes is none, to 8.6.
    fn is_command(&self, line: &str, said: &Statement) -> bool {
        let written = match self.release.style() {
            Style::Delimited => remainder(line).unwrap_or_default(),
            Style::Quoted => said.args.first().map_or("", String::as_str),
        };
        written.starts_with('/') || written.eq_ignore_ascii_case("none")
    }
}

/// The ports that the conditions of a block give by name.
fn local_services<'a>(conditions: &[&'a str]) -> Vec<&'a str> {
    let pairs = conditions.chunks_exact(2);
    let named = pairs.filter(|pair| pair[0].eq_ignore_ascii_case("localport"));
    named.map(|pair| pair[1]).filter(|value| port(value).is_none()).collect()
}

/// The keyword of the user that a command runs as.
fn command(keyword: &Keyword) -> Option<&'static str> {
    COMMANDS.iter().find(|(command, _)| *command == keyword.name).map(|(_, user)| *user)
}

/// What sshd asks of the whole when it has read everything: a command has a user; a way to log in is
/// left.
///
/// # Errors
/// What starts sshd cannot be read.
pub(super) fn finish(audit: &Audit<'_>, config: &mut Config) -> Result<()> {
    let asked = |name: &str| stated(config, name).next().is_some();
    if !asked(METHODS) && !COMMANDS.iter().any(|(command, _)| asked(command)) {
        return Ok(());
    }
    let given: Vec<Statement> = options::read(audit)?
        .statements
        .iter()
        .filter_map(|word| statement(&word.text, config.release.style()))
        .collect();
    let is_given = |name: &str| given.iter().any(|said| said.keyword.eq_ignore_ascii_case(name));
    let mut refused = Vec::new();
    for (command, user) in COMMANDS {
        let Some((at, line)) = stated(config, command).next() else { continue };
        let off = line.said.args.first().is_some_and(|word| word.eq_ignore_ascii_case("none"));
        let has_user = is_given(user) || stated(config, user).next().is_some();
        if !off && !has_user && !is_given(command) {
            refused.push((at, messages::command_without_user(user)));
        }
    }
    if let Some((at, line)) = stated(config, METHODS).next()
        && !is_given(METHODS)
    {
        let lists = words(&line.said, &config.release).unwrap_or_default();
        let is_on = |flag: &str, default: bool| {
            let said = given.iter().find(|said| said.keyword.eq_ignore_ascii_case(flag));
            let said = said.or_else(|| Some(&stated(config, flag).next()?.1.said));
            let value = said.and_then(|said| single(said, &config.release).ok());
            value.map_or(default, |value| value.eq_ignore_ascii_case("yes"))
        };
        let usable = |list: &str| list.split(',').all(|method| is_enabled(method, &is_on));
        if !lists.contains(&"any") && !lists.iter().any(|list| usable(list)) {
            refused.push((at, messages::methods_disabled()));
        }
    }
    for (at, why) in refused {
        if let Some(line) = config.settings.get_mut(at) {
            line.refusal.get_or_insert(why);
        }
    }
    Ok(())
}

/// The lines that sshd takes for all connections, with their places among the settings.
fn stated<'a>(
    config: &'a Config,
    name: &str,
) -> impl Iterator<Item = (usize, &'a DirectiveLine)> + use<'a> {
    let keyword = keywords::find(name);
    let fits = move |line: &DirectiveLine| {
        line.place.is_active()
            && line.refusal.is_none()
            && keyword.is_some_and(|keyword| line.is(keyword))
    };
    config.settings.iter().enumerate().filter(move |(_, line)| fits(line))
}

/// Whether a method is switched on, if its name, perhaps with a device, is one of those that can be off.
fn is_enabled(method: &str, is_on: &dyn Fn(&str, bool) -> bool) -> bool {
    match method.split(':').next().unwrap_or(method) {
        "publickey" => is_on("PubkeyAuthentication", true),
        "password" => is_on("PasswordAuthentication", true),
        // The second is an alias of the first from 8.7 on, and switched the first on before.
        "keyboard-interactive" => {
            is_on("KbdInteractiveAuthentication", false)
                || is_on("ChallengeResponseAuthentication", true)
                || is_on("SkeyAuthentication", false)
        }
        "hostbased" => is_on("HostbasedAuthentication", false),
        "gssapi-with-mic" => is_on("GSSAPIAuthentication", false),
        _ => true,
    }
}
