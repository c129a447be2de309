use super::*;
use proptest::prelude::*;

/// `line:words`, with `?` if not sure, `&` if aside, `u` if not for root.
fn shown(text: &str) -> Vec<String> {
    let show = |c: Command| {
        let words: Vec<String> = c
            .words
            .iter()
            .map(|w| w.literal().unwrap_or_else(|| format!("<{}>", w.raw())))
            .collect();
        let flag = |on, mark| if on { mark } else { "" };
        format!(
            "{}:{}{}{}{}",
            c.line,
            words.join(" "),
            flag(!c.sure, "?"),
            flag(c.aside, "&"),
            flag(c.not_root, "u")
        )
    };
    commands(text).into_iter().map(show).collect()
}

#[test]
fn words_and_quotes() {
    assert_eq!(
        shown("a 'b c' \"d $e\" f\\ g # h\ni\\\n j;k\n"),
        ["1:a b c <\"d $e\"> f g", "2:i j", "3:k"]
    );
    assert_eq!(shown("a#b #c\n#d\n"), ["1:a#b"]);
    assert_eq!(shown("a >b 2>&1 <c &>d e 2 >f"), ["1:a e 2"]);
    assert_eq!(shown("a <<X b\nc\nX\nd <<-'Y Z'\n\te\n\tY Z\nf\n"), ["1:a b", "4:d", "7:f"]);
    assert_eq!(shown("a <<<x\nb\n"), ["1:a", "2:b"]);
    assert_eq!(
        shown("a \"$(b \"c)\" ')' # d )\n)\" e\nf"),
        ["1:a <\"$(b \"c)\" ')' # d )\n)\"> e", "3:f"]
    );
    assert_eq!(shown("a ${b:-c d} `e f` $(g (h) i)j"), ["1:a <${b:-c d}> <`e f`> <$(g (h) i)j>"]);
    assert_eq!(shown("a=(b c) d"), ["1:<a=(b c)> d"]);
    assert_eq!(shown("a <(b; c) d"), ["1:a d"]);
    assert_eq!(shown("(( a << 2 ))\nb"), ["2:b"]);
    assert_eq!(shown("a 'unfinished"), ["1:a unfinished"]);
    assert_eq!(shown("a $'b\\'c' d\ne"), ["1:a <$'b\\'c'> d", "2:e"]);
    assert_eq!(shown("a \"$'b\" $\"c\"\nd"), ["1:a $'b c", "2:d"]);
}

#[test]
fn texts_for_commands_in_brackets() {
    let text = "a=$(cat <<X\nit's ) $(\nX\n)\nb";
    assert_eq!(shown(text), ["1:<a=$(cat <<X\nit's ) $(\nX\n)>", "5:b"]);
    let quoted = "a \"$(b <<-'X Y' | c\n\"\n\tX Y\n)\"\nd";
    assert_eq!(shown(quoted), ["1:a <\"$(b <<-'X Y' | c\n\"\n\tX Y\n)\">", "5:d"]);
    assert_eq!(shown("a $((1 << 2))\nb\n2"), ["1:a <$((1 << 2))>", "2:b", "3:2"]);
    assert_eq!(shown("a $(b $((1<<c)) <<<d)\nb"), ["1:a <$(b $((1<<c)) <<<d)>", "2:b"]);
    assert_eq!(shown("a $( (b) <<X\n(\nX\n)\nc"), ["1:a <$( (b) <<X\n(\nX\n)>", "5:c"]);
}

#[test]
fn what_surely_runs() {
    for (text, want) in [
        ("a; b & c | d && e || f", vec!["1:a", "1:b&", "1:c&", "1:d&", "1:e?", "1:f?"]),
        (
            "if a; then\nb\nelif c\nthen d\nelse e; fi\nf",
            vec!["1:a?", "2:b?", "3:c?", "4:d?", "5:e?", "6:f"],
        ),
        ("for i in x/*.d; do a; done; b", vec!["1:for i in x/*.d?", "1:a?", "1:b"]),
        ("while a; do b; done <c\nd", vec!["1:a?", "1:b?", "2:d"]),
        ("case $x in\n a|b) c;;\n (d) e ;;\n*)\nf\nesac\ng", vec!["2:c?", "3:e?", "5:f?", "7:g"]),
        ("case x in a) b; esac; c", vec!["1:b?", "1:c"]),
        ("{ a; b; }; c", vec!["1:a", "1:b", "1:c"]),
        ("( a; (b) ); c", vec!["1:a&", "1:b&", "1:c"]),
        ("f() { a; }\nfunction g () {\nb\n}\nh() ( c )\nd", vec!["1:a?", "3:b?", "5:c?", "6:d"]),
        ("[ -z \"$PS1\" ] && return\na", vec!["1:[ -z <\"$PS1\"> ]", "1:return?", "2:a?"]),
        ("f() { return; }\na", vec!["1:return?", "2:a"]),
        ("(exit)\na", vec!["1:exit&", "2:a"]),
        ("! a\n! b && c", vec!["1:a", "2:b", "2:c?"]),
        ("fi; done; }; )\na", vec!["2:a"]),
        ("a &&\n# x\n\nb; c", vec!["1:a", "4:b?", "4:c"]),
        ("a |\n b; c", vec!["1:a&", "2:b&", "2:c"]),
        ("a && { b; c; }; d", vec!["1:a", "1:b?", "1:c?", "1:d"]),
        ("a | { b; c; }; d", vec!["1:a&", "1:b&", "1:c&", "1:d"]),
        ("{ a; b; } >x | c; d", vec!["1:a&", "1:b&", "1:c&", "1:d"]),
        ("if a; then b; fi &\nc", vec!["1:a?&", "1:b?&", "2:c"]),
        ("a && >x\nb", vec!["1:a", "2:b"]),
    ] {
        assert_eq!(shown(text), want, "{text}");
    }
}

#[test]
fn what_has_no_end_is_named() {
    for (text, line) in [
        ("a\nb 'c\nd", 2),
        ("a \"b\nc", 1),
        ("a\n$(b\nc", 2),
        ("a `b", 1),
        ("a $'b", 1),
        ("a <<X\nb\n", 2),
        ("a <<X", 1),
        ("a\nif b; then\nc\n", 4),
        ("f()\n", 2),
        ("f() a\n", 1),
        ("a\\", 1),
    ] {
        assert_eq!(read(text).broken, Some(line), "{text:?}");
    }
    let whole = read("f() { a <<X\n'\nX\n}\nfunction g {\n:\n}\n((a = 1))\n");
    assert_eq!(whole.broken, None);
    assert_eq!(whole.functions.into_iter().collect::<Vec<_>>(), ["f", "g"]);
    assert_eq!(whole.calculations.len(), 1);
}

#[test]
fn branches_for_others_than_root() {
    let stock = "if [ \"$(id -u)\" -eq 0 ]; then\n a\nelse\n b\nfi\nc";
    assert_eq!(shown(stock)[1..], ["2:a?", "4:b?u", "6:c"]);
    let last = |test: &str| {
        shown(&format!("if {test}; then a; else b; fi"))
            .iter()
            .rev()
            .take(2)
            .map(|s| s.ends_with('u'))
            .collect::<Vec<_>>()
    };
    for test in ["[ `id -u` = 0 ]", "[ $UID -eq 0 ]", "[[ ${EUID} == 0 ]]", "test $(id -u) -eq 0"] {
        assert_eq!(last(test), [true, false], "{test}");
    }
    for test in ["[ $UID -gt 199 ]", "[ `id -u` -ge 1000 ]", "[ \"$(id -u)\" != 0 ]"] {
        assert_eq!(last(test), [false, true], "{test}");
    }
    for test in
        ["[ $UID -gt 199 ] && x", "[ $USER = root ]", "[ $UID -eq 1 ]", "[ $UID -ge 0 ]", "x"]
    {
        assert_eq!(last(test), [false, false], "{test}");
    }
    assert!(shown("if [ $UID = 0 ]; then a; elif x; then b; fi")[3].ends_with("b?u"));
}

#[test]
fn assignments() {
    let of = |text: &str| {
        let command = commands(text).remove(0);
        let word = command.words[0].clone();
        word.assignment().map(|(name, append, parts)| (name.to_owned(), append, parts))
    };
    let text = |t: &str| Part::Text(t.to_owned());
    assert_eq!(of("A=b").unwrap(), ("A".into(), false, vec![text("b")]));
    assert_eq!(
        of("PATH+=\":$HOME/x:~\"").unwrap(),
        ("PATH".into(), true, vec![text(":"), Part::Variable("HOME".into()), text("/x:~")])
    );
    let parts = of("P=~/x:~/y:${P}$(z)").unwrap().2;
    let tilde = || Part::Other("~".into());
    let end = [text(":"), Part::Variable("P".into()), Part::Other("$(z)".into())];
    assert_eq!(parts[..4], [text(""), tilde(), text("/x:"), tilde()]);
    assert_eq!(parts[4], text("/y:"));
    assert_eq!(parts[5..], end[1..]);
    for none in ["a", "9a=b", "\"A\"=b", "=b", "a-b=c", "$a=b"] {
        assert_eq!(of(none), None, "{none}");
    }
}

#[test]
fn long_texts_take_linear_time() {
    for piece in [
        "a b\n",
        "if a; then ",
        "$(",
        "\"",
        "'",
        "<<X\n",
        "{ ",
        "( ",
        "case x in ",
        "a;",
        "\\\n",
        "${",
        "f() ",
    ] {
        commands(&piece.repeat(50_000));
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>()) {
        commands(&text);
    }

    #[test]
    fn words_stand_where_they_say(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "a", " ", "\n", ";", ";;", "&&", "|", "&", "(", ")", "{ ", "} ", "if ", "then ", "else ",
                "fi", "case x in ", "esac", "$(", "`", "\"", "'", "\\", "<<X", "\nX\n", "#", "A=", "~",
                "${b}", "$c", "()", "for i in ", "do ", "done", ">", "2>", "é",
            ]),
            0..30,
        ),
    ) {
        let text = pieces.concat();
        let lines = text.split_inclusive('\n').count().max(1);
        for command in commands(&text) {
            prop_assert!((1..=lines).contains(&command.line));
            for word in command.words {
                prop_assert_eq!(text.get(word.at.clone()), Some(word.raw()));
            }
        }
    }
}
