//! Made-up start-up scripts: the umask that shells end up with, and our verdict about it.

use gokaku::check::Outcome;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule};
use crate::dice::{Dice, rounds};

const WANT: &str = r#"default_umask = { umask = "027", file = "/etc/profile.d/zz-cis.sh" }"#;

const LINES: &[&str] = &[
    "umask 022",
    "umask 027",
    "umask 077",
    "umask 0027",
    "umask 0022",
    "umask 27",
    "umask 7",
    "umask u=rwx,g=rx,o=",
    "umask u=rwx,g=,o=",
    "umask u=rwx,g=rx,o=rx",
    "umask o=",
    "umask g-w,o-rwx",
    "umask -S 027",
    "umask -S",
    "umask",
    "# umask 027",
    "#umask 022",
    "\tumask 022",
    "  umask 027",
    "umask 022 # note",
    "umask 022;",
    "umask 027; umask 022",
    "true && umask 022",
    "false && umask 022",
    "if [ \"$(id -u)\" -ge 1000 ]; then umask 002; else umask 022; fi",
    "if true; then umask 027; fi",
    "    umask 027",
    "(umask 022)",
    "umask=022",
    "f() { umask 022; }",
    "echo umask 022 >/dev/null",
    "cat >/dev/null <<END\numask 027\nEND",
    "\"umask\" 022",
    "umask \"027\"",
    "umask \\\n027",
    "command umask 022",
    "PATH=/bin umask 027",
    "export X=1",
    "unset X",
    "umask $X",
    "umask 0o27",
    "umask 099",
    "case x in x) umask 022 ;; esac",
    "umask 022\r",
    "eval umask 022",
    "eval \"umask 022\"",
    "return 0",
    "{ umask 027; }",
    "umask 022 &",
    "umask 077 | true",
    "! umask 022",
    "while false; do umask 022; done",
    "umask -- 027",
    "umask 022 027",
    "umask a=rx",
    "umask u=rwx,g+w",
];

/// As Debian's own, which sources the snippets.
const PROFILE: &str = "\
if [ -d /etc/profile.d ]; then
  for i in /etc/profile.d/*.sh; do
    if [ -r $i ]; then
      . $i
    fi
  done
  unset i
fi
";

fn lines(dice: &mut Dice, most: usize) -> String {
    dice.some(most, |d| d.pick(LINES)).iter().map(|l| format!("{l}\n")).collect()
}

#[test]
fn shells_and_we_agree_on_the_umask() {
    let test = "shells_and_we_agree_on_the_umask";
    let mut dice = Dice::new(test);
    let want = rule(WANT);
    let mut trials =
        Trials::new(&["/etc/profile", "/etc/profile.d", "/etc/bash.bashrc", "/etc/login.defs"]);
    for _ in 0..rounds(150) {
        // That the snippets are sourced at all is taken for granted.
        let head = lines(&mut dice, 1).replace("return 0\n", "");
        let tail = lines(&mut dice, 2);
        let mut tree = MemoryRootfs::new()
            .dir("/etc/profile.d", 0o755, 0, 0)
            .file("/etc/profile", head + PROFILE + &tail)
            .file("/etc/login.defs", "UMASK 027\nUSERGROUPS_ENAB yes\n");
        for _ in 0..dice.below(3) {
            let name = dice.pick(&["a.sh", "b.sh", "zz-cis.sh", "zzz.sh", "c.csh", ".d.sh", "e"]);
            tree = tree.file(&format!("/etc/profile.d/{name}"), lines(&mut dice, 3));
        }
        if dice.once_in(3) {
            tree = tree.file("/etc/bash.bashrc", lines(&mut dice, 2));
        }
        trials.add(&[&want], &tree);
    }
    let ask = "for shell in sh bash; do\n\
               env -i HOME=/nonexistent PATH=/usr/bin:/bin $shell -lc 'echo \"is $(umask)\"' 2>/dev/null\n\
               done";
    let Some(answers) = trials.ask(test, &["bash", "sh"], "umask 022", "inside", ask) else {
        return;
    };
    let mut counts = [0; 4];
    for answer in &answers {
        let tight = |said: &str| {
            let values = said.lines().filter_map(|l| l.strip_prefix("is "));
            let mut values = values.map(|v| u32::from_str_radix(v, 8).unwrap());
            values.all(|v| v & 0o027 == 0o027)
        };
        if answer.was.outcome == Outcome::Met && !tight(&answer.before) {
            answer.wrong("met, but a shell is looser");
        }
        if answer.is.outcome == Outcome::Met && !tight(&answer.after) {
            answer.wrong("mended, but a shell is looser");
        }
        let at = match (answer.was.outcome, answer.is.outcome) {
            (Outcome::Met, _) => 2,
            (_, Outcome::Met) => 1,
            (_, Outcome::Unknown) => 3,
            _ => 0,
        };
        counts[at] += 1;
    }
    println!("not mended, mended, right already, not told: {counts:?}");
}
