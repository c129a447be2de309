//! The environment: variables, their values, colour.

use super::*;

#[test]
fn a_comma_separates_in_variables_and_is_a_part_of_a_name_on_the_command_line() {
    let test = "a_comma_separates_in_variables_and_is_a_part_of_a_name_on_the_command_line";
    let bench = Bench::new();
    let out = bench.audit(&["-o", "a,b.txt"]);
    assert_eq!(out.status.code(), Some(2), "{}", log(&out));
    assert!(bench.at("a,b.txt").exists() && !bench.at("b.txt").exists());
    let mut command = bench.audit_command(&[]);
    command.env("GOKAKU_FORMAT", "json,text").env("GOKAKU_OUTPUT", "one.json,two,txt");
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(64), "three files for two formats: {}", log(&out));
    let mut command = bench.audit_command(&[]);
    command.env("GOKAKU_FORMAT", "json,text").env("GOKAKU_OUTPUT", "one.json,two.txt");
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(2), "{}", log(&out));
    assert!(bench.at("one.json").exists() && bench.at("two.txt").exists());
    let Some(mut apply) = bench.command(test, "apply", &["--rule", "3.2.1"]) else { return };
    assert!(apply.output().unwrap().status.success());
    let out = bench.command(test, "revert", &["--force", "/etc/a,b"]).unwrap().output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{}", log(&out));
    assert!(log(&out).contains("--force /etc/a,b: the run"), "{}", log(&out));
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let bench = Bench::new();
    let mut names: Vec<String> = Vec::new();
    for verb in gokaku::cli::command().get_subcommands() {
        names.extend(verb.get_arguments().filter_map(|a| a.get_env()?.to_str().map(str::to_owned)));
    }
    names.extend(["GOKAKU_LOG_FORMAT".to_owned(), "SOURCE_DATE_EPOCH".to_owned()]);
    assert!(
        names.contains(&"GOKAKU_SKIP".to_owned()) && names.contains(&"GOKAKU_STRICT".to_owned())
    );
    let without = bench.audit(&[]);
    for name in &names {
        let out = bench.audit_command(&[]).env(name, "").output().unwrap();
        assert_eq!(out.status.code(), without.status.code(), "{name}: {}", log(&out));
        assert_eq!(out.stdout, without.stdout, "{name}");
    }
    for verb in ["plan", "apply", "revert", "forget", "explain", "list"] {
        let mut command = gokaku();
        command.arg(verb).args((verb == "explain").then_some("3.2.1"));
        for name in names.iter().filter(|name| *name != "GOKAKU_ROOT") {
            command.env(name, "");
        }
        let root = !matches!(verb, "explain" | "list");
        command.args(root.then_some(["--root", "/nonexistent"]).into_iter().flatten());
        let out = command.output().unwrap();
        let want = if root { 1 } else { 0 };
        assert_eq!(out.status.code(), Some(want), "{verb}: {}", log(&out));
    }
    // A root that is not set is one that is missing.
    let out = gokaku().arg("audit").env("GOKAKU_ROOT", "").output().unwrap();
    assert_eq!(out.status.code(), Some(64));
    assert!(log(&out).contains("--root"), "{}", log(&out));
}

#[test]
fn a_switch_takes_the_words_of_pipelines() {
    let bench = Bench::new();
    // A left-alone row that has drifted shows whether --strict counts.
    bench.file("etc/fstab", "tmpfs /dev/shm tmpfs noexec,nodev,nosuid 0 0\n");
    let run = |value: &str, args: &[&str]| {
        let mut command = gokaku();
        command.args(["audit", "--rule", "1.1.9", "--root"]).arg(bench.root()).args(args);
        command.env("GOKAKU_STRICT", value).output().unwrap()
    };
    for yes in ["1", "true", "yes", "TRUE", "Yes", "on"] {
        assert_eq!(run(yes, &[]).status.code(), Some(2), "{yes}");
    }
    for no in ["0", "false", "no", "No", "off", ""] {
        assert_eq!(run(no, &[]).status.code(), Some(0), "{no}: {}", log(&run(no, &[])));
        assert_eq!(run(no, &["--strict"]).status.code(), Some(2), "{no}: the option wins");
    }
}

#[test]
fn a_wrong_value_names_the_variable_that_holds_it() {
    let bench = Bench::new();
    let switches = ["STRICT", "SURVEY", "VALIDATE", "QUARANTINE", "FORCE_TARGET", "ALLOW_LOCKOUT"];
    let mut wrong: Vec<(String, &str, &str)> = vec![
        ("GOKAKU_RULE".into(), "1..1", "1..1"),
        ("GOKAKU_SKIP".into(), "1.1.1.1,1..1", "1..1"),
        ("GOKAKU_FORMAT".into(), "yaml", "want text or json"),
        ("GOKAKU_LANG".into(), "fr", "want en or ja"),
        ("GOKAKU_LOG_FORMAT".into(), "xml", "want text or json"),
        ("SOURCE_DATE_EPOCH".into(), "tomorrow", "want seconds since 1970"),
    ];
    wrong.extend(switches.map(|name| (format!("GOKAKU_{name}"), "maybe", "want 1, true or yes")));
    for (name, value, says) in wrong {
        let out = bench.audit_command(&[]).env(&name, value).output().unwrap();
        // The command line of the bench has a --rule of its own, which wins.
        let out = match name.as_str() {
            "GOKAKU_RULE" => {
                let mut command = gokaku();
                command.arg("audit").arg("--root").arg(bench.root()).env(&name, value);
                command.output().unwrap()
            }
            _ => out,
        };
        let text = log(&out);
        assert_eq!(out.status.code(), Some(64), "{name}={value}: {text}");
        assert!(text.starts_with(&format!("gokaku: error: {name}: found ")), "{name}: {text}");
        assert!(text.contains(says) && !text.contains("--help"), "{name}: {text}");
    }
    let mut command = gokaku();
    command.args(["apply", "--root"]).arg(bench.root()).env("GOKAKU_PACKAGES", "all");
    let text = log(&command.output().unwrap());
    assert!(text.contains("GOKAKU_PACKAGES: found \"all\", want plan or apply"), "{text}");
    // A mistake on the command line is told as before, whatever the environment says.
    let out = bench.audit_command(&["--format", "yaml"]).env("GOKAKU_LANG", "ja").output().unwrap();
    assert!(
        log(&out).contains("--format <FORMAT>") && !log(&out).contains("GOKAKU_"),
        "{}",
        log(&out)
    );
}

#[test]
fn a_bad_source_date_is_one_error_in_all_verbs() {
    for verb in ["audit", "plan", "apply", "revert", "forget", "explain", "list"] {
        let mut command = gokaku();
        command.arg(verb).args((verb == "explain").then_some("3.2.1"));
        command.env("SOURCE_DATE_EPOCH", " 5");
        if verb != "list" {
            command.args(["--root", "/nonexistent"]);
        }
        let out = command.output().unwrap();
        assert_eq!(out.status.code(), Some(64), "{verb}: {}", log(&out));
        let want = "gokaku: error: SOURCE_DATE_EPOCH: found \" 5\", want seconds since 1970\n";
        assert_eq!(log(&out), want, "{verb}");
    }
}

#[test]
fn no_colour_where_none_is_wanted() {
    let bench = Bench::new();
    let colour = |pairs: &[(&str, &str)]| {
        let mut command = bench.audit_command(&[]);
        command.env_remove("NO_COLOR").env("TERM", "xterm").env("CLICOLOR_FORCE", "1");
        let out = command.envs(pairs.iter().copied()).output().unwrap();
        let [report, log] = [&out.stdout, &out.stderr].map(|text| text.contains(&0x1b));
        assert_eq!(report, log, "the report and the log agree: {pairs:?}");
        report
    };
    assert!(colour(&[]));
    for value in ["1", "0", "no", "false"] {
        assert!(!colour(&[("NO_COLOR", value)]), "NO_COLOR={value}");
    }
    assert!(!colour(&[("TERM", "dumb")]));
    assert!(colour(&[("NO_COLOR", "")]), "an empty one is not set");
    assert!(!colour(&[("CLICOLOR_FORCE", "0")]), "no terminal here");
}
