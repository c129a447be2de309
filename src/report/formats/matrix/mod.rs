//! Many images on one page: rows by images, the worst first.

pub(crate) mod messages;

use super::Style;
use super::html::document;
use super::html::page::Page;
use super::verdict::Verdict;
use crate::message::Message;
use crate::report::matrix::{Image, Matrix, MatrixCell, MatrixRow};

const STYLE: &str = concat!(include_str!("../html/style.css"), include_str!("style.css"));
const SCRIPT: &str = concat!(include_str!("../html/language.js"), include_str!("script.js"));

/// The page of many reports.
pub fn render(matrix: &Matrix, style: Style) -> String {
    let rows = matrix.worst_first();
    let title = messages::title(matrix.images.len(), rows.len());
    document::write(&title, style.lang, STYLE, SCRIPT, |p| {
        p.el("header", &[], |p| {
            p.el("div", &[("class", "bar")], |p| {
                p.el("p", &[("class", "tool")], |p| p.text(&matrix.benchmarks.join(", ")));
                document::language(p);
            });
            p.el("h1", &[], |p| p.say(&title));
            head(p, matrix, &rows);
        });
        p.el("main", &[], |p| {
            controls(p, &rows);
            let wrap = [
                ("class", "wrap"),
                ("tabindex", "0"),
                ("role", "region"),
                ("aria-labelledby", "of"),
            ];
            p.el("div", &wrap, |p| {
                p.el("table", &[], |p| {
                    p.el("caption", &[("id", "of")], |p| p.say(&messages::caption()));
                    images(p, matrix);
                    p.el("tbody", &[], |p| rows.iter().for_each(|row| line(p, row)));
                });
            });
            p.el("p", &[("id", "at"), ("role", "status")], |_| {});
        });
    })
}

/// How bad it is in one sentence, and what the signs mean.
fn head(p: &mut Page, matrix: &Matrix, rows: &[&MatrixRow]) {
    let open = (0..matrix.images.len()).filter(|at| matrix.open_in(*at) > 0).count();
    let differ = rows.iter().filter(|row| row.differs()).count();
    let class = if open == 0 { "good" } else { "bad" };
    p.el("p", &[("id", "verdict"), ("class", class)], |p| {
        p.el("span", &[("aria-hidden", "true")], |p| {
            p.text(if open == 0 { "✓ " } else { "✗ " })
        });
        p.say(&messages::verdict(open, matrix.images.len(), differ));
    });
    p.el("ul", &[("class", "counts legend")], |p| {
        for verdict in Verdict::ALL {
            p.el("li", &[("class", verdict.class())], |p| {
                p.el("span", &[("class", "sign"), ("aria-hidden", "true")], |p| {
                    p.text(verdict.sign())
                });
                p.el("b", &[], |p| p.say(&verdict.words()));
            });
        }
        p.el("li", &[("class", "absent")], |p| {
            p.el("span", &[("class", "sign"), ("aria-hidden", "true")], |p| p.text(ABSENT));
            p.el("b", &[], |p| p.say(&messages::absent()));
        });
    });
    p.el("p", &[("class", "glance")], |p| p.say(&messages::observed()));
}

/// The sign of an image whose report does not have the row.
const ABSENT: &str = "·";

fn controls(p: &mut Page, rows: &[&MatrixRow]) {
    p.el("form", &[("id", "filters"), ("hidden", "")], |p| {
        p.el("p", &[("class", "find")], |p| {
            p.el("label", &[("for", "find")], |p| p.say(&messages::search()));
            p.markup(
                "<input type=\"search\" id=\"find\" autocomplete=\"off\" spellcheck=\"false\">",
            );
        });
        p.el("fieldset", &[], |p| {
            p.el("legend", &[], |p| p.say(&messages::only()));
            let differ = rows.iter().filter(|row| row.differs()).count();
            let open = rows.iter().filter(|row| row.open() > 0).count();
            for (id, words, here) in [
                ("differ", messages::that_differ(), differ),
                ("open", messages::that_are_open(), open),
            ] {
                p.el("label", &[("class", "plain")], |p| {
                    p.empty("input", &[("type", "checkbox"), ("id", id)]);
                    p.say(&words);
                    p.text(" ");
                    p.el("b", &[], |p| p.number(here));
                });
            }
        });
        p.el("p", &[("class", "shown"), ("role", "status")], |p| {
            p.el("span", &[], |p| {
                p.say(&messages::rows_shown());
                p.text(" ");
                p.el("output", &[("id", "shown")], |p| p.number(rows.len()));
                p.text(" / ");
                p.number(rows.len());
            });
        });
    });
}

/// The names of the images, each above its column, and how many rows are open in it.
fn images(p: &mut Page, matrix: &Matrix) {
    p.el("thead", &[], |p| {
        p.el("tr", &[], |p| {
            p.el("th", &[("scope", "col")], |p| p.say(&messages::row()));
            p.el("th", &[("scope", "col")], |p| p.say(&messages::images_open()));
            for (at, Image { name, .. }) in matrix.images.iter().enumerate() {
                p.el("th", &[("scope", "col"), ("title", name)], |p| {
                    p.el("span", &[("class", "name")], |p| p.text(name));
                    let open = matrix.open_in(at);
                    p.el("span", &[("class", if open > 0 { "open" } else { "none" })], |p| {
                        p.number(open);
                    });
                });
            }
        });
    });
}

fn line(p: &mut Page, row: &MatrixRow) {
    let open = row.open();
    let is = match (row.differs(), open > 0) {
        (true, true) => "differ open",
        (true, false) => "differ",
        (false, true) => "open",
        (false, false) => "-",
    };
    p.el("tr", &[("data-is", is)], |p| {
        p.el("th", &[("scope", "row")], |p| {
            p.el("b", &[], |p| p.text(&row.id.to_string()));
            p.text(" ");
            p.both(&row.title);
            p.el("small", &[], |p| {
                if let Some(severity) = row.severity {
                    p.say(&Message::from(severity));
                    p.text(" · ");
                }
                p.say(&super::html::messages::table());
                p.text(" ");
                match &row.status_words {
                    Some(words) => p.both(words),
                    None => p.text(&row.status),
                }
            });
        });
        p.el("td", &[], |p| p.number(open));
        for cell in &row.cells {
            match cell {
                Some(cell) => mark(p, cell),
                None => p.el("td", &[("class", "absent")], |p| p.text(ABSENT)),
            }
        }
    });
    p.markup("\n");
}

/// One image's verdict. Of a row that is left alone, what was observed stands beside that.
fn mark(p: &mut Page, cell: &MatrixCell) {
    let verdict = Verdict::of_state(cell.disposition, cell.outcome, cell.drift);
    let verdict = if cell.waiver_is_over { Verdict::NotMet } else { verdict };
    p.el("td", &[("class", verdict.class())], |p| {
        p.text(verdict.sign());
        if verdict == Verdict::LeftAlone && cell.outcome != crate::check::Outcome::Unmeasured {
            p.text(Verdict::of_enforced(cell.outcome).sign());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_are_whole() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</"), "it would end its element");
        }
    }
}
