//! The modules of one type that a PAM file asks, in their order, with the files it includes; and
//! which of them can run after which.

use crate::check::common::includes::{Budget, Limits};
use crate::check::common::remedy;
use crate::check::packages::dpkg;
use crate::check::pam::messages;
use crate::check::{Audit, Evidence, Finding, Subject, SubjectKind};
use crate::error::{Error, Result};
use crate::rootfs::{ImagePath, Rootfs, escape};
use crate::text::lossless;
use crate::text::pam::{Action, Control, PamLine, Rule, entries};

/// The file that all services include for the type `password`.
pub(in crate::check) const COMMON_PASSWORD: &str = "/etc/pam.d/common-password";
const DIR: &str = "/etc/pam.d";
/// As deep as PAM goes.
const LIMITS: Limits = Limits { levels: 17, files: 500 };
/// Real stacks have a handful.
const MAX_MODULES: usize = 5_000;

/// A file of the stack.
#[derive(Debug)]
pub(in crate::check) struct StackFile {
    /// Its path as PAM opens it; links are not resolved.
    pub path: ImagePath,
    /// Its text.
    pub text: String,
}

/// A module of the stack.
#[derive(Debug)]
pub(in crate::check) struct Module {
    /// Which file it stands in.
    pub source: usize,
    /// How many stacks of their own it stands in.
    pub level: usize,
    /// Its line.
    pub rule: Rule,
}

/// What runs after a module's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Next {
    /// The module with this index; the number of modules is the end of the stack.
    At(usize),
    /// Nothing: it jumps over more modules than there are, which counts as failure.
    Nowhere,
}

/// The modules of one type, in their order.
#[derive(Debug)]
pub(in crate::check) struct Stack {
    /// The files; the first is the one asked for.
    pub sources: Vec<StackFile>,
    /// The modules.
    pub modules: Vec<Module>,
}

impl Stack {
    /// Reads the stack of the type `kind` in the file at `path`; `None` when there is no file.
    ///
    /// # Errors
    /// A file that cannot be read, is malformed, or includes one that is not there: PAM then fails
    /// the whole service.
    pub fn read(root: &dyn Rootfs, kind: &str, path: &ImagePath) -> Result<Option<Stack>> {
        let mut stack = Stack { sources: Vec::new(), modules: Vec::new() };
        let mut reader =
            StackLoader { root, kind, stack: &mut stack, budget: Budget::new(LIMITS, path) };
        Ok(reader.file(path, 0)?.then_some(stack))
    }

    /// The modules named `name`, by index.
    pub fn named(&self, name: &str) -> Vec<usize> {
        let is = |(_, m): &(usize, &Module)| m.rule.is(name);
        self.modules.iter().enumerate().filter(is).map(|(i, _)| i).collect()
    }

    /// The modules that set passwords in the image's own account files, by index.
    pub fn unix(&self) -> Vec<usize> {
        let mut all = self.named("pam_unix.so");
        all.extend(self.named("pam_unix_passwd.so"));
        all.sort_unstable();
        all
    }

    /// A module of this stack, as what a gap is about: every line that names it.
    pub fn subject(&self, module: &str) -> Subject {
        let file = self.sources.first().and_then(|source| source.path.file_name());
        let file = file.map(|name| escape(name.as_encoded_bytes())).unwrap_or_default();
        let name = module.rsplit('/').next().unwrap_or_default();
        Subject::new(SubjectKind::PamModule, format!("{file}:{name}"))
    }

    /// The file and line of a module.
    pub fn place(&self, index: usize) -> Option<(&ImagePath, usize)> {
        let module = self.modules.get(index)?;
        Some((&self.sources.get(module.source)?.path, module.rule.line))
    }

    /// The line of a module, as evidence.
    pub fn evidence(&self, index: usize) -> Evidence {
        let Some((module, source)) = self
            .modules
            .get(index)
            .and_then(|module| Some((module, self.sources.get(module.source)?)))
        else {
            return Evidence::default();
        };
        let line = source.text.get(module.rule.span.clone()).unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let evidence = Evidence::at(&source.path).line(module.rule.line).found(words.join(" "));
        // The line is shown with its comment, which nobody reads.
        let rule = &module.rule;
        let mut said = rule.arguments.iter().map(|a| &a.text).chain([&rule.module]);
        if said.any(|word| lossless::holds(word)) { evidence } else { evidence.aside() }
    }

    fn level(&self, index: usize) -> usize {
        self.modules.get(index).map_or(0, |m| m.level)
    }

    /// The first module from `index` on that is not deeper than `level`.
    fn surface(&self, mut index: usize, level: usize) -> usize {
        while index < self.modules.len() && self.level(index) > level {
            index += 1;
        }
        index
    }

    /// What runs after the module `index` when its answer has this action.
    pub fn next(&self, index: usize, action: Action) -> Next {
        let level = self.level(index);
        match action {
            Action::Ignore | Action::Ok | Action::Bad | Action::Reset => Next::At(index + 1),
            Action::Done | Action::Die if level == 0 => Next::At(self.modules.len()),
            Action::Done | Action::Die => Next::At(self.surface(index + 1, level - 1)),
            Action::Jump(count) => {
                let mut next = index + 1;
                for _ in 0..count {
                    if next >= self.modules.len() || self.level(next) < level {
                        return Next::Nowhere;
                    }
                    next = self.surface(next + 1, level);
                }
                Next::At(next)
            }
        }
    }

    /// Which modules can run when those that `avoid` picks end every way through them.
    pub fn reachable(&self, avoid: impl Fn(usize) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.modules.len()];
        let mut todo = vec![0];
        while let Some(index) = todo.pop() {
            let Some(seen) = reached.get_mut(index).filter(|seen| !**seen) else { continue };
            *seen = true;
            if avoid(index) {
                continue;
            }
            let Some(module) = self.modules.get(index) else { continue };
            for action in module.rule.control.actions() {
                if let Next::At(next) = self.next(index, action) {
                    todo.push(next);
                }
            }
        }
        reached
    }

    /// Whether the stack as a whole succeeds when the module `index` does and so do those after
    /// it, `pam_deny.so` excepted.
    pub fn succeeds_after(&self, mut index: usize) -> bool {
        while let Some(module) = self.modules.get(index) {
            if module.rule.is("pam_deny.so") {
                return false;
            }
            match self.next(index, module.rule.control.action("success")) {
                Next::At(next) => index = next,
                Next::Nowhere => return false,
            }
        }
        true
    }

    /// The modules, of those that can run, from which an answer jumps to nowhere.
    pub fn bad_jumps(&self) -> Vec<usize> {
        let reached = self.reachable(|_| false);
        let bad = |index: &usize| {
            let Some(module) = self.modules.get(*index) else { return false };
            let actions = module.rule.control.actions();
            actions.into_iter().any(|action| self.next(*index, action) == Next::Nowhere)
        };
        (0..self.modules.len()).filter(|i| reached.get(*i) == Some(&true)).filter(bad).collect()
    }
}

/// The finding when `common-password` is not there.
pub(in crate::check) fn missing(audit: &Audit<'_>) -> Result<Finding> {
    if let Some(absent) = dpkg::absent(audit.root(), "libpam-runtime")? {
        return Ok(Finding::MetVacuously(vec![absent]));
    }
    let path = ImagePath::parse(COMMON_PASSWORD)?;
    let evidence = Evidence::at(&path).want(messages::want_stack());
    let why = messages::no_common_password(&path);
    let gap = remedy::none(audit, Subject::path(&path), evidence, why);
    Ok(Finding::from_gaps(vec![gap], Vec::new()))
}

struct StackLoader<'a> {
    root: &'a dyn Rootfs,
    kind: &'a str,
    stack: &'a mut Stack,
    budget: Budget,
}

impl StackLoader<'_> {
    /// Adds a file's modules; whether it is there.
    fn file(&mut self, path: &ImagePath, level: usize) -> Result<bool> {
        let Some(text) = self.root.read(path)? else { return Ok(false) };
        let source = self.stack.sources.len();
        let syntax = |line, found: String, want| {
            Err(Error::Syntax { path: path.clone(), line, found, want })
        };
        self.budget.enter(path, text.len())?;
        if self.stack.modules.len() > MAX_MODULES {
            return syntax(1, format!("more than {MAX_MODULES} rules"), "a stack that ends");
        }
        let all = entries(&text);
        self.stack.sources.push(StackFile { path: path.clone(), text });
        for entry in all {
            let (line, file, level) = match entry {
                PamLine::Malformed { line, text } => {
                    return syntax(line, format!("`{text}`"), "type, control and module");
                }
                PamLine::Rule(rule) if rule.kind != self.kind => continue,
                PamLine::Rule(rule) => match rule.control {
                    Control::Answers(_) => {
                        self.stack.modules.push(Module { source, level, rule });
                        continue;
                    }
                    Control::Include => (rule.line, rule.module, level),
                    Control::Substack => (rule.line, rule.module, level + 1),
                },
                PamLine::Include { line, file } => (line, file, level),
            };
            let included = match file.strip_prefix('/') {
                Some(_) => ImagePath::parse(&file)?,
                None => ImagePath::parse(format!("{DIR}/{file}"))?,
            };
            self.budget.at(path, line);
            if !self.file(&included, level)? {
                return syntax(line, format!("`{file}`"), "a file that is there");
            }
        }
        self.budget.leave();
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    fn stack(root: &MemoryRootfs) -> Result<Stack> {
        Ok(Stack::read(root, "password", &ImagePath::parse(COMMON_PASSWORD)?)?.unwrap())
    }

    fn of(text: &str) -> Stack {
        stack(&MemoryRootfs::new().file(COMMON_PASSWORD, text)).unwrap()
    }

    #[test]
    fn included_rules_stand_in_their_place() {
        let root = MemoryRootfs::new()
            .file(
                COMMON_PASSWORD,
                "password required a.so\n@include more\nauth required x.so\npassword include /etc/own\n\
                 password substack sub\npassword required e.so\n",
            )
            .file("/etc/pam.d/more", "password required b.so\n")
            .file("/etc/own", "password required c.so\n")
            .file("/etc/pam.d/sub", "password required d.so\n");
        let stack = stack(&root).unwrap();
        let shown: Vec<String> =
            stack.modules.iter().map(|m| format!("{}{}", m.rule.module, m.level)).collect();
        assert_eq!(shown, ["a.so0", "b.so0", "c.so0", "d.so1", "e.so0"]);
        assert_eq!(stack.evidence(2).path.unwrap().to_string(), "/etc/own");
    }

    #[test]
    fn what_pam_refuses() {
        let refused = |text: &str| {
            stack(&MemoryRootfs::new().file(COMMON_PASSWORD, text)).unwrap_err().to_string()
        };
        assert_eq!(
            refused("\npassword what\n"),
            "/etc/pam.d/common-password:2: found `password what`, want type, control and module"
        );
        assert!(refused("@include none\n").ends_with("found `none`, want a file that is there"));
        assert_eq!(
            refused("\n@include common-password\n@include common-password\n"),
            "/etc/pam.d/common-password:2: found /etc/pam.d/common-password, which is being read \
             already, want includes that end"
        );
        assert!(refused("@include /etc/../x\n").contains(".."));
        assert!(
            Stack::read(
                &MemoryRootfs::new(),
                "password",
                &ImagePath::parse(COMMON_PASSWORD).unwrap()
            )
            .unwrap()
            .is_none()
        );
    }

    #[test]
    fn jumps() {
        let stock = of("password requisite q.so\npassword [success=1 default=ignore] u.so\n\
                        password requisite pam_deny.so\npassword required p.so\n");
        assert_eq!(stock.next(1, Action::Jump(1)), Next::At(3));
        assert_eq!(stock.next(1, Action::Jump(2)), Next::At(4), "over the last one is the end");
        assert_eq!(stock.next(1, Action::Jump(3)), Next::Nowhere);
        assert_eq!(stock.next(0, Action::Die), Next::At(4));
        assert!(stock.bad_jumps().is_empty() && stock.succeeds_after(1));
        assert_eq!(stock.reachable(|i| i == 1), [true, true, false, false]);
        let last = of("password requisite q.so\npassword [success=1 default=ignore] u.so\n");
        assert_eq!(last.bad_jumps(), [1]);
        assert!(!last.succeeds_after(1));
        let denied =
            of("password [success=ok default=ignore] u.so\npassword requisite pam_deny.so\n");
        assert!(!denied.succeeds_after(0));

        let root = MemoryRootfs::new()
            .file(COMMON_PASSWORD, "password [success=1 default=die] a.so\npassword substack s\npassword required c.so\n")
            .file("/etc/pam.d/s", "password sufficient b.so\npassword [success=1 default=ok] b.so\n");
        let nested = stack(&root).unwrap();
        assert_eq!(nested.next(0, Action::Jump(1)), Next::At(3), "a substack counts as one");
        assert_eq!(nested.next(1, Action::Done), Next::At(3));
        assert_eq!(nested.next(2, Action::Jump(1)), Next::Nowhere);
    }
}
