//! The table as text: a row on a line, with the images that are not as the others.

use std::fmt::Write;

use super::{Image, Matrix, MatrixRow};
use crate::check::Outcome;
use crate::message::Message;
use crate::report::messages;
use crate::report::text::{Style, line_of, outcome, pad, paint};

/// So many images are named for an outcome without `all`.
const NAMED: usize = 4;

impl MatrixRow {
    /// Each outcome with the places of the images that have it, the rarest first.
    pub(in crate::report) fn groups(&self) -> Vec<(Outcome, Vec<usize>)> {
        let mut groups: Vec<(Outcome, Vec<usize>)> = Vec::new();
        for (image, cell) in self.cells.iter().enumerate() {
            let Some(found) = cell.map(|cell| cell.outcome) else { continue };
            match groups.iter_mut().find(|(known, _)| *known == found) {
                Some((_, images)) => images.push(image),
                None => groups.push((found, vec![image])),
            }
        }
        groups.sort_by_key(|(_, images)| images.len());
        groups
    }
}

impl Image {
    /// Its counts in a sentence.
    pub(in crate::report) fn counts(&self) -> Message {
        let pass = &self.summary.pass;
        messages::image_counts(
            pass.met + pass.met_vacuously,
            pass.total,
            pass.not_met,
            pass.unknown,
            pass.waived,
            self.summary.left_alone.drifted,
        )
    }
}

impl Matrix {
    /// The counts in a sentence.
    pub(in crate::report) fn counts(&self) -> Message {
        let differ = self.rows.values().filter(|row| row.differs()).count();
        let failing = self.rows.values().filter(|row| row.open() > 0).count();
        messages::matrix_counts(self.images.len(), self.rows.len(), failing, differ)
    }
}

/// The table as text.
pub(super) fn render(matrix: &Matrix, style: Style) -> String {
    let lang = style.lang;
    let mut out = String::new();
    // Writing to a String cannot fail.
    for image in &matrix.images {
        let _ = writeln!(out, "{}: {}", line_of(&image.name), image.counts().text(lang));
    }
    out.push('\n');
    let rows = matrix.worst_first();
    for row in rows.iter().filter(|row| style.all || row.is_of_interest()) {
        let mut parts = Vec::new();
        for (found, images) in row.groups() {
            let word = outcome(found).text(lang);
            let code = match found {
                Outcome::NotMet if row.open() > 0 => "31",
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
    let _ = writeln!(out, "{}", matrix.counts().text(lang));
    out
}
