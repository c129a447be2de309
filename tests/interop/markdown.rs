//! Markdown, rendered by GitHub's own library.

use std::process::Command;

use crate::bench::Bench;
use crate::tools;

/// Renders as GitHub does, and looks for what its later filters would make of the text: mentions and
/// references count outside of code alone.
const RENDER: &str = r#"
import re, sys
from html.parser import HTMLParser
import cmarkgfm
from cmarkgfm.cmark import Options
class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.tags, self.code, self.bare, self.shown = [], 0, "", ""
    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.code += tag == "code"
    def handle_endtag(self, tag):
        self.code -= tag == "code"
    def handle_data(self, data):
        self.shown += data
        self.bare += "" if self.code else data
page = Page()
page.feed(cmarkgfm.github_flavored_markdown_to_html(open(sys.argv[1], encoding="utf-8").read(), Options.CMARK_OPT_UNSAFE))
known = set("h2 h3 p ul li strong table thead tbody tr th td details summary code".split())
assert set(page.tags) <= known, set(page.tags) - known
assert {"table", "details", "code"} <= set(page.tags), page.tags
assert page.tags.count("table") == 1
assert not re.search(r"@\w|#\w|www\.|://", page.bare), page.bare
for want in sys.argv[2:]:
    assert want in page.shown, (want, [l for l in page.shown.splitlines() if "octo" in l])
"#;

#[test]
fn nothing_that_a_tree_says_becomes_markup() {
    let test = "nothing_that_a_tree_says_becomes_markup";
    let Some(python) = tools::python(test, &["cmarkgfm==2025.10.22"]) else { return };
    let bench = Bench::new();
    let hostile = "@octo![i](http://e.example/i.png)```x``<img/src/x>|www.e.example";
    let motd = format!("\\m {hostile}\n");
    std::fs::write(bench.root().join("etc/motd"), &motd).unwrap();
    let sshd = bench.root().join("etc/ssh/sshd_config");
    std::fs::write(&sshd, format!("MaxAuthTries {hostile}\n")).unwrap();
    for lang in ["en", "ja"] {
        let out = bench.run("audit", &["--format", "markdown", "--lang", lang]);
        assert!(out.stdout.len() < 60_000);
        let file = bench.dir().join("r.md");
        std::fs::write(&file, &out.stdout).unwrap();
        let mut render = Command::new(&python);
        let shown = [hostile, "<script>alert(1)</script>"];
        let out = render.args(["-c", RENDER]).arg(&file).args(shown).output().unwrap();
        assert!(out.status.success(), "{lang}: {}", String::from_utf8_lossy(&out.stderr));
    }
}
