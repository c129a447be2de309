//! The command lines. Package lists and fetched packages stay in the scratch directory; a finished
//! image shows none of them.

use super::session::{Session, Step};

/// What every call of apt-get gets: no questions, no terminal, the administrator's own
/// configuration files stay, nothing goes or comes that was not asked for.
fn apt_get(session: &Session<'_>) -> Vec<String> {
    let scratch = session.scratch_inside();
    let lists = format!("Dir::State::lists={scratch}/lists");
    let cache = format!("Dir::Cache={scratch}/cache");
    // Even a simulation would write this one into the root's log directory.
    let planner = format!("Dir::Log::Planner={scratch}/planner.log");
    let mut options = vec![
        "Dpkg::Use-Pty=0",
        "Dpkg::Options::=--force-confdef",
        "Dpkg::Options::=--force-confold",
        "APT::Get::AutomaticRemove=false",
        "APT::Install-Recommends=false",
        "APT::Install-Suggests=false",
        "Acquire::Languages=none",
        "Acquire::Retries=2",
        "Acquire::http::Timeout=30",
        "Acquire::https::Timeout=30",
        &lists,
        &cache,
        "Dir::Cache::archives=archives/",
        &planner,
    ];
    if !session.is_container() {
        // The user apt fetches as cannot enter the directory that holds the scratch directory.
        options.push("APT::Sandbox::User=root");
    }
    let mut args = vec!["-q".to_owned(), "-y".to_owned()];
    for option in options {
        args.extend(["-o".to_owned(), option.to_owned()]);
    }
    args
}

/// Where the file lies that takes commands away from a fetch, below the scratch directory.
pub(super) const FETCH_CONF: &str = "fetch.conf";
/// Commands of the tree's own apt configuration that a fetch would run beside its downloads, with the
/// network in reach.
pub(super) const NO_COMMANDS: &str = "\
    #clear APT::Update::Pre-Invoke;\n\
    #clear APT::Update::Post-Invoke;\n\
    #clear APT::Update::Post-Invoke-Success;\n\
    #clear APT::Update::Post-Invoke-Stats;\n\
    #clear Acquire::http::Proxy-Auto-Detect;\n\
    #clear Acquire::http::ProxyAutoDetect;\n\
    #clear Acquire::https::Proxy-Auto-Detect;\n\
    #clear Acquire::https::ProxyAutoDetect;\n";

/// A step that fetches: on a root that is not this program's own, nothing but that.
fn fetching(session: &Session<'_>, args: Vec<String>) -> Step {
    let mut all = Vec::new();
    if session.is_container() {
        all.extend(["-c".to_owned(), format!("{}/{FETCH_CONF}", session.scratch_inside())]);
    }
    all.extend(args);
    Step::fetching("apt-get", all)
}

/// A removal needs no sources, so that broken ones do not stop it, and none can offer a substitute.
const NO_SOURCES: [&str; 4] =
    ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", "Dir::Etc::sourceparts=/dev/null"];

fn args(session: &Session<'_>, more: &[&str], names: &[String]) -> Vec<String> {
    let mut args = apt_get(session);
    args.extend(more.iter().map(ToString::to_string));
    args.extend(names.iter().cloned());
    args
}

/// Configures these packages (`None`: all that wait for it); the step, and how it is shown.
pub(super) fn configure(names: Option<&[String]>) -> (Step, String) {
    let options = ["--force-confdef", "--force-confold"].map(str::to_owned);
    let what = match names {
        None => vec!["--configure".to_owned(), "-a".to_owned()],
        // Nothing but what dpkg does whenever it begins: finish its record.
        Some([]) => vec!["--set-selections".to_owned()],
        Some(names) => [&["--configure".to_owned()], names].concat(),
    };
    let shown = format!("dpkg {}", what.join(" "));
    (Step::changing("dpkg", options.into_iter().chain(what)).shown(&shown), shown)
}

pub(super) fn purge_stumps(names: &[String]) -> Step {
    let options = ["--force-remove-reinstreq", "--purge"].map(str::to_owned);
    Step::changing("dpkg", options.into_iter().chain(names.iter().cloned()))
}

pub(super) fn update(session: &Session<'_>) -> Step {
    fetching(session, args(session, &["update"], &[])).shown("apt-get update")
}

pub(super) fn simulate_purge(session: &Session<'_>, names: &[String]) -> Step {
    let more = [&NO_SOURCES[..], &["-s", "purge"]].concat();
    Step::asking("apt-get", args(session, &more, names))
        .shown(&format!("apt-get -s purge {}", names.join(" ")))
}

pub(super) fn purge(session: &Session<'_>, names: &[String]) -> Step {
    let more = [&NO_SOURCES[..], &["purge"]].concat();
    Step::changing("apt-get", args(session, &more, names))
        .shown(&format!("apt-get purge {}", names.join(" ")))
}

/// What is to come.
pub(super) struct Install {
    pub names: Vec<String>,
    /// One of them is there half: apt-get takes it for installed unless asked to do it again.
    pub again: bool,
}

impl Install {
    fn args(&self, session: &Session<'_>, more: &[&str]) -> Vec<String> {
        let again: &[&str] = if self.again { &["--reinstall"] } else { &[] };
        args(session, &[again, more].concat(), &self.names)
    }
}

pub(super) fn simulate_install(session: &Session<'_>, wanted: &Install) -> Step {
    Step::asking("apt-get", wanted.args(session, &["-s", "install"]))
        .shown(&format!("apt-get -s install {}", wanted.names.join(" ")))
}

pub(super) fn fetch(session: &Session<'_>, wanted: &Install) -> Step {
    fetching(session, wanted.args(session, &["--download-only", "install"]))
        .shown(&format!("apt-get --download-only install {}", wanted.names.join(" ")))
}

pub(super) fn install(session: &Session<'_>, wanted: &Install) -> Step {
    Step::changing("apt-get", wanted.args(session, &["install"]))
        .shown(&format!("apt-get install {}", wanted.names.join(" ")))
}
