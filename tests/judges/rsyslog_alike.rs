//! Made-up objects of RainerScript: whether rsyslogd takes the configuration, and our verdict.

use gokaku::check::Outcome;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule, stanza};
use crate::dice::{Dice, rounds};

const WANT: &str = r#"rsyslog_create_mode = { mode = "0640" }"#;

fn parameter(dice: &mut Dice) -> String {
    let name = dice.pick(&["file", "File", "fileCreateMode", "x.y_z", "createDirs"]);
    let sign = dice.pick(&["=", "=", "=", "=", " = ", "\n=\n", "", " ", "?", "=="]);
    let value = dice.pick(&[
        "\"/x\"",
        "\"/x\"",
        "\"/x\"",
        "\"0640\"",
        "\"0640\"",
        "\"0644\"",
        "\"a\nb\"",
        "\"a#b\"",
        "\"a)b\"",
        "\"a\\\"b\"",
        "`echo /x`",
        "/* c */\"/x\"",
        "# c\n\"/x\"",
        "[\"/x\"]",
        "[\"/x\" , \"/y\"]",
        "[\"/x\",]",
        "[\"/x\" \"/y\"]",
        "[]",
        "/x",
        "0640",
        "'/x'",
        "",
    ]);
    format!("{name}{sign}{value}")
}

fn object(dice: &mut Dice) -> String {
    let name = dice.pick(&["action", "action", "action", "Action", "action\n", "action \t"]);
    let gap = dice.pick(&[" ", " ", " ", "\n", " /* c */ ", " # c\n", ", ", ";", " 9", ""]);
    let mut words = vec!["type=\"omfile\"".to_owned()];
    words.extend(dice.some(3, parameter));
    format!(
        "{name}({}{}\n",
        words.join(gap),
        dice.pick(&[")", ")", ")", ")", " )", "\n)", "))", ""])
    )
}

#[test]
fn rsyslogd_and_we_agree_on_what_is_an_object() {
    let test = "rsyslogd_and_we_agree_on_what_is_an_object";
    let mut dice = Dice::new(test);
    let want = rule(WANT);
    let Some(package) = stanza(test, "rsyslog") else { return };
    let mut trials = Trials::new(&["/etc/rsyslog.conf"]);
    for _ in 0..rounds(150) {
        let objects = 1 + dice.below(2);
        let objects: String = (0..objects).map(|_| object(&mut dice)).collect();
        let tree = MemoryRootfs::new()
            .file("/var/lib/dpkg/status", &package)
            .file("/etc/rsyslog.conf", format!("$FileCreateMode 0640\n{objects}*.* /y\n"));
        trials.add(&[&want], &tree);
    }
    let ask = "rsyslogd -N1 -f /etc/rsyslog.conf";
    let Some(answers) = trials.ask(test, &["rsyslogd"], "", "inside", ask) else { return };
    let mut counts = [0; 3];
    for answer in &answers {
        let refused = |said: &str| said.contains("could not interpret master config file");
        for (said, we) in [(&answer.before, answer.was), (&answer.after, answer.is)] {
            match we.outcome {
                Outcome::Unknown if !said.contains("error during parsing") => {
                    answer.wrong("unknown, but rsyslogd reads it without a word");
                }
                Outcome::Met if refused(said) => answer.wrong("met, but rsyslogd refuses it"),
                _ => {}
            }
        }
        counts[match (answer.was.outcome, answer.is.outcome) {
            (Outcome::Unknown, _) => 0,
            (_, Outcome::Met) => 1,
            _ => 2,
        }] += 1;
    }
    println!("unknown, met in the end, left open: {counts:?}");
}
