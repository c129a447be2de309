use super::*;
use crate::check::testing::{
    self, Run, changed, check, fixes, gaps, reasons, reasons_on, stage, try_check,
};
use crate::check::{Check, Outcome};
use crate::rootfs::MemoryRootfs;

const FILE: &str = "/etc/rsyslog.d/60-CIS.conf";
const INCLUDE: &str = "$IncludeConfig /etc/rsyslog.d/*.conf\n";
const STOCK: &str = "auth,authpriv.*\t\t\t/var/log/auth.log\n\
                     *.*;auth,authpriv.none\t\t-/var/log/syslog\n\
                     kern.*\t\t\t\t-/var/log/kern.log\n\
                     mail.*\t\t\t\t-/var/log/mail.log\n\
                     mail.err\t\t\t/var/log/mail.err\n\
                     *.emerg\t\t\t\t:omusrmsg:*\n";

fn want() -> RsyslogRouting {
    match check(&format!("rsyslog_routing = {{ file = {FILE:?} }}")) {
        Check::RsyslogRouting(want) => want,
        other => panic!("{other:?}"),
    }
}

fn root(main: &str) -> MemoryRootfs {
    MemoryRootfs::new()
        .dir("/etc/rsyslog.d", 0o755, 0, 0)
        .file("/var/lib/dpkg/status", "Package: rsyslog\nStatus: install ok installed\n")
        .file(MAIN, main)
}

fn outcome(root: &MemoryRootfs) -> Outcome {
    testing::outcome(&want(), root)
}

#[test]
fn verdicts() {
    let everybody = "*.emerg :omusrmsg:*\n";
    for (rules, want) in [
        (STOCK.to_owned(), Outcome::Met),
        (format!("*.* /var/log/all\n{everybody}"), Outcome::Met),
        (format!("*.info;mail.none /var/log/messages\r\n{everybody}"), Outcome::Met),
        (format!("*.* ?Daily\n{everybody}"), Outcome::Met),
        (
            "action(type=\"omfile\" file=\"/x\")\n\
             *.emerg action(type=\"omusrmsg\" users=\"*\")"
                .to_owned(),
            Outcome::Met,
        ),
        (format!("auth.* /a\nauthpriv.* /b\nkern.* /c\n{everybody}"), Outcome::Met),
        (String::new(), Outcome::NotMet),
        (format!("#*.* /x\n{everybody}"), Outcome::NotMet),
        ("*.* /x\n#*.emerg :omusrmsg:*\n".to_owned(), Outcome::NotMet),
        ("*.* /x\n*.emerg :omusrmsg:root\n".to_owned(), Outcome::NotMet),
        ("*.* /x\n*.=alert :omusrmsg:*\n".to_owned(), Outcome::NotMet),
        (format!("*.*;auth.none /x\n{everybody}"), Outcome::NotMet),
        (format!("*.*;kern.none /x\n{everybody}"), Outcome::NotMet),
        (format!("*.err /x\n{everybody}"), Outcome::NotMet),
        (format!("*.* ~\n*.* /x\n{everybody}"), Outcome::NotMet),
        (format!("kern.* stop\n*.* /x\n{everybody}"), Outcome::NotMet),
        (format!("mail.* stop\n*.* /x\n{everybody}"), Outcome::NotMet),
        (format!("{everybody}*.* /x\nkern.* stop\n"), Outcome::Met),
        (format!(":msg,contains,\"x\" stop\n*.* /x\n{everybody}"), Outcome::Met),
        (format!("if $a == 1 then {{\n*.* /x\n}}\n{everybody}"), Outcome::NotMet),
        (format!("*.* /dev/console\n*.* |/dev/xconsole\n*.* @host\n{everybody}"), Outcome::NotMet),
        ("*.* {\n".to_owned() + "/x\n:omusrmsg:*\n}", Outcome::Met),
        ("action(type=\"omfile\"".to_owned(), Outcome::Unknown),
    ] {
        assert_eq!(outcome(&root(&rules)), want, "{rules:?}");
    }
}

/// Messages in a file of their own, which any other file does not make up for.
fn own_files() -> RsyslogRouting {
    let text = format!(
        "rsyslog_routing = {{ file = {FILE:?}, further = [], criteria = [\
         {{ messages = 'mail.*', to = 'file', in_file = '/var/log/mail', rule = 'mail.* -/var/log/mail' }},\
         {{ messages = '*.crit', to = 'file', in_file = '/var/log/warn', rule = '*.crit /var/log/warn' }} ] }}"
    );
    match check(&text) {
        Check::RsyslogRouting(want) => want,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_of_its_own_is_that_file() {
    let want = own_files();
    let both = "mail.* -/var/log/mail\n*.crit /var/log/warn\n";
    for (rules, outcome) in [
        (both.to_owned(), Outcome::Met),
        (format!("{STOCK}{both}"), Outcome::Met),
        ("*.* /var/log/mail\n*.* /var/log//warn\n".to_owned(), Outcome::Met),
        (
            "mail.info /var/log/mail\nmail.=debug -/var/log/mail\n*.err /var/log/warn\n".to_owned(),
            Outcome::Met,
        ),
        (STOCK.to_owned(), Outcome::NotMet),
        ("mail.* -/var/log/mail\n".to_owned(), Outcome::NotMet),
        ("mail.err -/var/log/mail\n*.crit /var/log/warn\n".to_owned(), Outcome::NotMet),
        ("mail.* -/var/log/mail.log\n*.crit /var/log/warn\n".to_owned(), Outcome::NotMet),
        ("*.* ?Daily\n*.crit /var/log/warn\n".to_owned(), Outcome::NotMet),
        (format!("mail.* stop\n{both}"), Outcome::NotMet),
        (format!("#{both}"), Outcome::NotMet),
    ] {
        assert_eq!(testing::outcome(&want, &root(&rules)), outcome, "{rules:?}");
    }
}

#[test]
fn a_missing_file_of_its_own_gets_its_rule_and_nothing_else_changes() {
    let want = own_files();
    let before = root(&format!("{INCLUDE}{STOCK}"));
    let after = stage(&want, &before);
    assert_eq!(testing::outcome(&want, &after), Outcome::Met);
    let text = &changed(&after)[0].1;
    assert!(text.contains("mail.*                          -/var/log/mail\n"), "{text}");
    assert!(text.contains("*.crit                          /var/log/warn\n"), "{text}");
    // A drop-in that is there gets what it lacks behind its own lines.
    let there = before.clone().file(FILE, "*.crit /var/log/warn\n");
    let text = &changed(&stage(&want, &there))[0].1;
    assert!(text.starts_with("*.crit /var/log/warn\nmail.*"), "{text}");
    // A directory in its place is somebody's: the row says so.
    let taken = before.dir("/var/log/mail", 0o755, 0, 0);
    assert_eq!(testing::outcome(&want, &stage(&want, &taken)), Outcome::NotMet);
}

#[test]
fn a_file_of_its_own_is_the_target_of_its_rule() {
    for (criterion, says) in [
        (
            "{ messages = 'mail.*', to = 'everybody', in_file = '/x', rule = 'mail.* /x' }",
            "`to`: `in_file` is there; want `file`",
        ),
        (
            "{ messages = 'mail.*', to = 'file', in_file = '/x', rule = 'mail.* -/y' }",
            "`rule`: found the target /y, want /x",
        ),
    ] {
        let text = format!("rsyslog_routing = {{ file = {FILE:?}, criteria = [{criterion}] }}");
        let bad = try_check(&text).unwrap_err();
        assert!(bad.contains(says), "{bad}");
    }
}

#[test]
fn prerequisites() {
    let absent = MemoryRootfs::new().file("/var/lib/dpkg/status", "").file(MAIN, STOCK);
    assert_eq!(outcome(&absent), Outcome::MetVacuously);
    assert_eq!(outcome(&MemoryRootfs::new().file(MAIN, STOCK)), Outcome::Unknown);
    assert_eq!(outcome(&root("").without(MAIN)), Outcome::NotMet);
    assert_eq!(outcome(&root("").link(MAIN, "rsyslog.conf")), Outcome::Unknown);
}

#[test]
fn evidence_names_the_rules() {
    let Finding::Met(evidence) = want().audit(&root(STOCK)).unwrap() else { panic!() };
    let shown: Vec<String> = evidence
        .iter()
        .map(|e| format!("{} {}", e.line.unwrap(), e.found.as_ref().unwrap()))
        .collect();
    assert_eq!(
        shown,
        [
            "1 auth,authpriv.* /var/log/auth.log",
            "2 *.*;auth,authpriv.none -/var/log/syslog",
            "6 *.emerg :omusrmsg:*"
        ]
    );
}

#[test]
fn the_drop_in_holds_what_is_missing_and_no_file_twice() {
    let stock = STOCK.replace("kern", "#k").replace("*.*", "#");
    let without_kern = root(&format!("{INCLUDE}{stock}"));
    let staged = stage(&want(), &without_kern);
    let kern = "kern.*                          -/var/log/kern.log\n";
    assert_eq!(changed(&staged), [(FILE.to_owned(), kern.to_owned())]);
    let stat = staged.stat(&ImagePath::parse(FILE).unwrap()).unwrap().unwrap();
    assert_eq!((stat.mode, stat.uid, stat.gid), (0o644, 0, 0));

    let nothing = root(&format!("mail.err /var/log/mail.info\n{INCLUDE}"));
    let staged = stage(&want(), &nothing);
    let text = &changed(&staged)[0].1;
    assert!(text.contains(kern) && text.contains("auth") && text.contains("omusrmsg"), "{text}");
    assert!(!text.contains("mail.info") && text.contains("-/var/log/mail.warn\n"), "{text}");
    assert!(text.contains("local6,local7.*                 -/var/log/localmessages\n"));
    assert!(!text.contains("/var/log/messages"));
    assert_eq!(outcome_of(&staged), Outcome::Met);
}

fn outcome_of(root: &dyn Rootfs) -> Outcome {
    want().audit(root).unwrap().outcome()
}

#[test]
fn a_directory_in_place_of_a_file_is_left_out() {
    let root = root(INCLUDE).dir("/var/log/mail", 0o755, 0, 0).file("/var/log/news", "");
    let text = &changed(&stage(&want(), &root))[0].1;
    assert!(text.contains("# left out: mail.* to /var/log/mail: it is a directory\n"), "{text}");
    assert!(text.contains(
        "# left out: news.err to /var/log/news/news.err: /var/log/news is a regular file\n"
    ));
    let root = root.file(MAIN, format!("{INCLUDE}{STOCK}*.* /var/log/mail\n"));
    let Finding::Met(evidence) = want().audit(&root).unwrap() else { panic!() };
    let note = evidence.last().unwrap().note.as_ref().map(ToString::to_string);
    assert_eq!(note.as_deref(), Some("/var/log/mail is a directory: nothing is written there"));
    let blocked = self::root(INCLUDE).dir("/var/log/auth.log", 0o755, 0, 0);
    assert_eq!(reasons(&want().audit(&blocked).unwrap()).len(), 1);
}

#[test]
fn a_drop_in_that_is_there_is_added_to() {
    let root = root(&format!("{INCLUDE}*.* -/var/log/syslog\n"));
    let aks = root.clone().file(FILE, "mail.* -/var/log/mail\n*.crit /var/log/warn");
    assert_eq!(
        changed(&stage(&want(), &aks))[0].1,
        "mail.* -/var/log/mail\n*.crit /var/log/warn\n*.emerg                         :omusrmsg:*\n"
    );
    let torn = root.clone().file(FILE, "mail.* -/var/log/mail\n# \\");
    assert_eq!(outcome_of(&stage(&want(), &torn)), Outcome::Met);
    let inside = root.clone().link(FILE, "../cis.conf").file("/etc/cis.conf", "");
    assert_eq!(changed(&stage(&want(), &inside))[0].0, "/etc/cis.conf");
    let outside = root.link(FILE, "/usr/share/x");
    assert!(reasons(&want().audit(&outside).unwrap())[0].contains("leads to /usr/share/x"));
}

#[test]
fn where_a_drop_in_would_not_help_nothing_is_written() {
    for main in [
        "",
        "*.* stop\n$IncludeConfig /etc/rsyslog.d/*.conf\n",
        "$RuleSet x\n$IncludeConfig /etc/rsyslog.d/*.conf\n",
    ] {
        let finding = want().audit(&root(main)).unwrap();
        assert!(fixes(&finding).is_empty(), "{main}");
        assert_eq!(reasons(&finding).len(), 3);
    }
    let partly = root(&format!("kern.* stop\n{INCLUDE}"));
    let staged = stage(&want(), &partly);
    assert_eq!(changed(&staged).len(), 1);
    assert_eq!(reasons(&want().audit(&staged).unwrap()).len(), 2, "kern and its emergencies");
}

#[test]
fn mistakes_in_a_profile_are_named() {
    let criterion = |messages: &str, to: &str, rule: &str| {
        format!(
            "criteria = [{{ want = \"x\", messages = \"{messages}\", to = \"{to}\", \
             rule = \"{rule}\" }}]"
        )
    };
    for (fields, want) in [
        (criterion("kern.info", "file", "kern.* /x"), None),
        (criterion("kern.inf", "file", "kern.* /x"), Some("`kern.inf` is not a selector")),
        (criterion("kern.none", "file", "kern.* /x"), Some("`kern.none` is not a selector")),
        (criterion("kern.info", "disk", "kern.* /x"), Some("unknown variant `disk`")),
        (criterion("kern.info", "file", "kern.*"), Some("`kern.*` is not a rule")),
        (criterion("kern.info", "file", "kern.* x"), Some("`kern.* x` is not a rule")),
        (criterion("kern.info", "file", "kern.* /x y"), Some("is not a rule")),
        ("criteria = []".to_owned(), Some("`criteria`: found none")),
        ("further = [\"nope.* /x\"]".to_owned(), Some("`nope.* /x` is not a rule")),
    ] {
        let got = try_check(&format!("rsyslog_routing = {{ file = {FILE:?}, {fields} }}"));
        match (want, got) {
            (None, Ok(_)) => {}
            (Some(want), Err(e)) if e.contains(want) => {}
            (want, got) => panic!("{fields}: want {want:?}, got {got:?}"),
        }
    }
}

#[test]
fn what_is_excluded_is_not_routed_and_the_rest_is() {
    let selector = |selector: &str| Subject::new(SubjectKind::Selector, selector);
    let scene = root(INCLUDE).excluding(selector("kern.*")).excluding(selector("mail.*"));
    let text = &changed(&stage(&want(), &scene))[0].1;
    assert!(text.contains("auth,authpriv.*") && text.contains("*.emerg"), "{text}");
    assert!(!text.contains("kern.*") && !text.contains("mail.*"), "{text}");
    assert_eq!(reasons_on(&want(), &scene).len(), 1);
    let nothing = root(INCLUDE).excluding(Subject::path(&want().file));
    assert!(changed(&stage(&want(), &nothing)).is_empty());
    let only_kern = root(&format!("{INCLUDE}{}", STOCK.replace("kern", "#k").replace("*.*", "#")));
    assert_eq!(changed(&stage(&want(), &only_kern)).len(), 1);
    let only_kern = only_kern.excluding(selector("kern.*"));
    assert!(changed(&stage(&want(), &only_kern)).is_empty(), "no drop-in for the rest alone");
}

#[test]
fn wants_are_said_in_the_profiles_words_or_in_ours() {
    let said = |words: &str| {
        let fields = format!(
            "criteria = [{{ {words} messages = \"kern.info\", to = \"file\", rule = \"kern.* /x\" \
             }}]"
        );
        let check = check(&format!("rsyslog_routing = {{ file = {FILE:?}, {fields} }}"));
        gaps(check.primitive(), &root(INCLUDE))[0].evidence.want.clone().unwrap().to_string()
    };
    assert_eq!(said("want = \"x\","), "x");
    assert_eq!(said(""), "a file for messages of kern.info");
    let wants: Vec<String> =
        want().criteria.iter().map(|criterion| criterion.wanted().to_string()).collect();
    assert_eq!(wants[2], "messages of *.emerg to everybody who is logged in");
}
