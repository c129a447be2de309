//! The table as text: a row on a line, with the images that are not as the others.

use std::fmt::Write;

use super::{Matrix, MatrixRow};
use crate::check::Outcome;
use crate::report::messages;
use crate::report::text::{Style, line_of, outcome, pad, paint};

/// So many images are named for an outcome without `all`.
const NAMED: usize = 4;

/// Each outcome of a row with the images that have it, the rarest first.
fn groups(row: &MatrixRow) -> Vec<(Outcome, Vec<usize>)> {
    let mut groups: Vec<(Outcome, Vec<usize>)> = Vec::new();
    for (image, found) in row.outcomes.iter().enumerate() {
        let Some(found) = found else { continue };
        match groups.iter_mut().find(|(known, _)| known == found) {
            Some((_, images)) => images.push(image),
            None => groups.push((*found, vec![image])),
        }
    }
    groups.sort_by_key(|(_, images)| images.len());
    groups
}

/// The table as text.
pub(super) fn render(matrix: &Matrix, style: Style) -> String {
    let lang = style.lang;
    let mut out = String::new();
    // Writing to a String cannot fail.
    for image in &matrix.images {
        let pass = &image.summary.pass;
        let counts = messages::image_counts(
            pass.met + pass.met_vacuously,
            pass.total,
            pass.not_met,
            pass.unknown,
            pass.waived,
            image.summary.left_alone.drifted,
        );
        let _ = writeln!(out, "{}: {}", line_of(&image.name), counts.text(lang));
    }
    out.push('\n');
    let shown = |row: &&MatrixRow| style.all || row.differs || row.failing > 0 || row.drifted > 0;
    for row in matrix.rows.iter().filter(shown) {
        let mut parts = Vec::new();
        for (found, images) in groups(row) {
            let word = outcome(found).text(lang);
            let code = match found {
                Outcome::NotMet if row.disposition.is_enforced() => "31",
                Outcome::Unknown => "35",
                _ => "2",
            };
            let count = format!("{word} {}", images.len());
            let mut part = paint(&count, code, style.colour);
            if images.len() < matrix.images.len() && (style.all || images.len() <= NAMED) {
                let names = images.iter().filter_map(|at| matrix.images.get(*at));
                let names: Vec<String> = names.map(|image| line_of(&image.name)).collect();
                let _ = write!(part, " ({})", names.join(", "));
            }
            parts.push(part);
        }
        let id = pad(&row.id.to_string(), 10);
        let _ = writeln!(out, "{id} {}: {}", row.title.get(lang), parts.join(", "));
    }
    let differ = matrix.rows.iter().filter(|row| row.differs).count();
    let failing = matrix.rows.iter().filter(|row| row.failing > 0).count();
    let total = messages::matrix_counts(matrix.images.len(), matrix.rows.len(), failing, differ);
    let _ = writeln!(out, "{}", total.text(lang));
    out
}
