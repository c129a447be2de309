//! A site's file with more waivers, or fewer; what else stands in it stays as it is.

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, Table, value};

use super::{RuleId, Until};
use crate::check::Subject;
use crate::error::{Error, Result};

/// A waiver to be written.
#[derive(Debug, Clone)]
pub struct NewWaiver {
    /// The row.
    pub rule: RuleId,
    /// What of it; empty is all of it.
    pub only: Vec<Subject>,
    /// Why.
    pub reason: String,
    /// Who has decided it.
    pub by: String,
    /// Its last day.
    pub until: Until,
    /// Where it was discussed.
    pub ticket: Option<String>,
    /// Whether the drift of a left-alone row is accepted.
    pub accept_drift: bool,
}

/// A waiver of a file: the row, and what of it.
pub type Waived = (RuleId, Option<Subject>);

fn document(text: &str) -> Result<DocumentMut> {
    text.parse().map_err(|e: toml_edit::TomlError| Error::Profile(e.to_string()))
}

/// The text with these waivers behind those that it has.
///
/// # Errors
/// [`Error::Profile`] for a text that is no TOML, or has `waive` as something else than a list of tables.
pub fn with_waivers(text: &str, new: &[NewWaiver]) -> Result<String> {
    let mut document = document(text)?;
    let list = document.entry("waive").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(list) = list.as_array_of_tables_mut() else {
        return Err(Error::Profile("`waive` is a list of tables; write [[waive]]".to_owned()));
    };
    for waiver in new {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        table["rule"] = value(waiver.rule.to_string());
        if !waiver.only.is_empty() {
            let only = waiver.only.iter().map(|s| format!("{}:{}", s.kind.word(), s.value));
            table["only"] = value(only.collect::<Array>());
        }
        table["reason"] = value(&waiver.reason);
        table["by"] = value(&waiver.by);
        table["until"] = match waiver.until {
            Until::Never => value("never"),
            day => match day.to_string().parse::<toml_edit::Datetime>() {
                Ok(day) => value(day),
                Err(_) => return Err(Error::Profile(format!("`{day}` is too far away"))),
            },
        };
        if let Some(ticket) = &waiver.ticket {
            table["ticket"] = value(ticket);
        }
        if waiver.accept_drift {
            table["accept_drift"] = value(true);
        }
        list.push(table);
    }
    Ok(document.to_string())
}

/// The text without what `goes` names, and what was taken out. Of a waiver of several subjects, the others
/// stay.
///
/// # Errors
/// [`Error::Profile`] for a text that is no TOML.
pub fn without_waivers(
    text: &str,
    goes: &dyn Fn(&Waived) -> bool,
) -> Result<(String, Vec<Waived>)> {
    let mut document = document(text)?;
    let mut gone = Vec::new();
    let Some(list) = document.get_mut("waive").and_then(Item::as_array_of_tables_mut) else {
        return Ok((text.to_owned(), gone));
    };
    let mut empty = Vec::new();
    for (number, table) in list.iter_mut().enumerate() {
        let rule =
            table.get("rule").and_then(Item::as_str).and_then(|id| id.parse::<RuleId>().ok());
        let Some(rule) = rule else { continue };
        match table.get_mut("only").and_then(Item::as_array_mut) {
            None => {
                if goes(&(rule.clone(), None)) {
                    gone.push((rule, None));
                    empty.push(number);
                }
            }
            Some(only) => {
                only.retain(|item| {
                    let subject = item.as_str().and_then(Subject::parse);
                    let waived = (rule.clone(), subject);
                    let goes = waived.1.is_some() && goes(&waived);
                    if goes {
                        gone.push(waived);
                    }
                    !goes
                });
                if only.is_empty() {
                    empty.push(number);
                }
                // The blank behind a comma that is gone.
                if let Some(first) = only.get_mut(0)
                    && first.decor().prefix().and_then(|prefix| prefix.as_str()) == Some(" ")
                {
                    first.decor_mut().set_prefix("");
                }
            }
        }
    }
    for number in empty.into_iter().rev() {
        list.remove(number);
    }
    if list.is_empty() {
        document.remove("waive");
    }
    Ok((document.to_string(), gone))
}
