//! Tests of the reader of PAM.

use super::super::splice::splice;
use super::*;
use proptest::prelude::*;

fn rules(text: &str) -> Vec<Rule> {
    let rule = |entry| match entry {
        PamLine::Rule(rule) => Some(rule),
        _ => None,
    };
    entries(text).into_iter().filter_map(rule).collect()
}

fn shown(text: &str) -> Vec<String> {
    let show = |entry| match entry {
        PamLine::Rule(r) => {
            let arguments: Vec<&str> = r.arguments.iter().map(|a| &*a.text).collect();
            let dash = if r.quiet { "-" } else { "" };
            format!("{}:{dash}{} {} [{}]", r.line, r.kind, r.module, arguments.join("|"))
        }
        PamLine::Include { line, file } => format!("{line}:@{file}"),
        PamLine::Malformed { line, text } => format!("{line}:?{text}"),
    };
    entries(text).into_iter().map(show).collect()
}

#[test]
fn lines() {
    assert_eq!(
        shown(
            "# password\n\npassword\trequisite\t\t\tpam_pwquality.so retry=3\n\
             PASSWORD [success=1 default=ignore] /lib/security/pam_unix.so obscure sha512 # x\n\
             -session optional pam_systemd.so\n@include common-account\n@Include other\n"
        ),
        [
            "3:password pam_pwquality.so [retry=3]",
            "4:password /lib/security/pam_unix.so [obscure|sha512]",
            "5:-session pam_systemd.so []",
            "6:@common-account",
            "7:@other",
        ]
    );
    assert_eq!(
        shown("password required \\\n# between\n\n pam_unix.so \\  \n\tsha512\r\nauth x y\n"),
        ["1:password pam_unix.so [sha512]", "6:?auth x y"]
    );
    assert_eq!(
        shown("session optional pam_x.so [a b\\]c] [d\n"),
        ["1:session pam_x.so [a b]c|[d]"]
    );
    assert_eq!(
        shown("passwort required x.so\npassword required\n@include\npassword required x \\"),
        [
            "1:?passwort required x.so",
            "2:?password required",
            "3:?@include",
            "4:?password required x \\"
        ]
    );
}

#[test]
fn one_argument_at_a_time() {
    let text = "a\npassword [success=2 default=ignore]\tpam_unix.so  obscure\tmd5 # c\nb";
    let rule = &rules(text)[0];
    let after = |edit: Option<Edit>| splice(text, vec![edit.unwrap()]);
    assert_eq!(after(rule.set_argument(1, "sha512")), text.replace("md5", "sha512"));
    assert_eq!(after(rule.remove_argument(1)), text.replace("\tmd5", ""));
    assert_eq!(
        after(rule.insert_argument(1, "use_authtok")),
        text.replace("md5", "use_authtok md5")
    );
    assert_eq!(after(rule.insert_argument(9, "x=1")), text.replace("md5", "md5 x=1"));
    let up = rule.shift_jumps(|n| i32::from(n > 1));
    assert_eq!(splice(text, up), text.replace("success=2", "success=3"));
    assert!(rule.shift_jumps(|_| 0).is_empty());
    assert!(rules("auth [success=1] x.so")[0].shift_jumps(|_| -1).is_empty());
    assert_eq!(rule.set_argument(2, "x"), None);
    let control = after(rule.set_control("requisite"));
    assert_eq!(control, text.replace("[success=2 default=ignore]", "requisite"));
    assert_eq!(rule.value("md5"), None);
    assert_eq!(rules("auth required x.so a=1 a=2 ab=3")[0].value("a"), Some((1, "2")));
    assert!(rule.is("pam_unix.so") && !rule.is("unix.so"));

    let joined = "password required pam_unix.so \\\n  md5 \\\n  obscure";
    let rule = &rules(joined)[0];
    assert_eq!(rule.span, 0..joined.len());
    let edit = rule.remove_argument(0).unwrap();
    assert_eq!(splice(joined, vec![edit]), joined.replace(" \\\n  md5", ""));
    let next = "password required pam_unix.so \\\n  md5\nauth required x.so";
    let edit = rules(next)[0].remove_argument(0).unwrap();
    assert_eq!(splice(next, vec![edit]), next.replace(" \\\n  md5", ""));
    let below = "password required pam_unix.so \\\n# c\n  md5 sha512\n";
    let commented = &rules(below)[0];
    assert_eq!(commented.remove_argument(0), None, "its line may end up blank");
    let edit = commented.remove_argument(1).unwrap();
    assert_eq!(splice(below, vec![edit]), below.replace(" sha512", ""));

    let glued = "auth [success=1]x.so [a b]c d";
    let rule = &rules(glued)[0];
    let after = |edit: Option<Edit>| shown(&splice(glued, vec![edit.unwrap()]));
    assert_eq!(after(rule.set_control("required")), ["1:auth x.so [a b|c|d]"]);
    assert_eq!(after(rule.set_argument(0, "e")), ["1:auth x.so [e|c|d]"]);
    assert_eq!(after(rule.remove_argument(0)), ["1:auth x.so [c|d]"]);

    assert_eq!(rules("auth required a\\ b\nauth required c")[0].remove_argument(0), None);
    // A form feed alone is a word that only something behind it keeps from being a blank line.
    let fed = rules("auth required x.so a\\\n\x0c b\x0c\nauth required c");
    assert_eq!(fed[0].remove_argument(2), None);

    let rule = &rules(joined)[0];
    let edit = rule.insert_argument(9, "sha512").unwrap();
    assert_eq!(splice(joined, vec![edit]), format!("{joined} sha512"));
}

#[test]
fn long_texts_take_linear_time() {
    for piece in ["auth required x.so a\n", "a ", "[", "\\\n", "# \n", "auth required x.so \\\n"] {
        entries(&piece.repeat(100_000));
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>()) {
        entries(&text);
    }

    #[test]
    fn arguments_come_back(
        before in "(# [a-z]{0,4}\n|auth required x.so\n){0,2}",
        arguments in proptest::collection::vec("[a-z]{1,4}(=[0-9])?", 0..4),
        blanks in "[ \t]{1,3}",
        end in "(\n|\r\n| # c\n|)",
        word in "[a-z]{1,5}",
        at in 0usize..5,
    ) {
        let text = format!("{before}password{blanks}required{blanks}x.so{}{end}",
            arguments.iter().map(|a| format!("{blanks}{a}")).collect::<String>());
        let last = |text: &str| rules(text).pop().unwrap();
        let words = |rule: &Rule| rule.arguments.iter().map(|a| a.text.clone()).collect::<Vec<_>>();
        let rule = last(&text);
        prop_assert_eq!(words(&rule), arguments.clone());
        let added = splice(&text, vec![rule.insert_argument(at, &word).unwrap()]);
        let mut want = arguments.clone();
        let place = at.min(want.len());
        want.insert(place, word.clone());
        prop_assert_eq!(words(&last(&added)), want);
        prop_assert!(added.starts_with(&before) && added.ends_with(&end));
        let again = last(&added);
        let removed = splice(&added, vec![again.remove_argument(place).unwrap()]);
        prop_assert_eq!(words(&last(&removed)), arguments);
        let same = splice(&added, vec![again.set_argument(place, &word).unwrap()]);
        prop_assert_eq!(same, added);
    }

    #[test]
    fn nothing_panics_on_familiar_pieces(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "password", " ", "\t", "\n", "\\\n", "[", "]", "success=1", "default=ignore", "#",
                "pam_unix.so", "@include", "-", "=", "\\]", "é",
            ]),
            0..25,
        ),
    ) {
        let text = pieces.concat();
        for entry in entries(&text) {
            if let PamLine::Rule(rule) = entry {
                for i in 0..rule.arguments.len() {
                    rule.remove_argument(i).map(|e| splice(&text, vec![e]));
                }
                splice(&text, rule.shift_jumps(|_| 1));
            }
        }
    }
}
