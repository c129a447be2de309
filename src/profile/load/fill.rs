//! Variables put in the place of `"${name}"`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistakes::Mistakes;
use super::vars::{Vars, unknown};

/// Puts the value of a variable in the place of every text `"${name}"`. Names that were used are added
/// to `used`.
pub(super) fn fill<'t>(
    table: &mut DeTable<'t>,
    vars: &Vars<'t>,
    used: &mut Vec<String>,
    mistakes: &mut Mistakes,
) {
    for (_, value) in table.iter_mut() {
        fill_value(value, vars, used, mistakes);
    }
}

fn fill_value<'t>(
    value: &mut Spanned<DeValue<'t>>,
    vars: &Vars<'t>,
    used: &mut Vec<String>,
    mistakes: &mut Mistakes,
) {
    let at = value.span();
    match value.get_mut() {
        DeValue::Array(items) => {
            items.iter_mut().for_each(|item| fill_value(item, vars, used, mistakes));
        }
        DeValue::Table(fields) => fill(fields, vars, used, mistakes),
        DeValue::String(text) => {
            let Some(name) = text.strip_prefix("${") else { return };
            let Some(name) = name.strip_suffix('}') else {
                mistakes.add(at, "`${` without `}`; want \"${name}\"");
                return;
            };
            match vars.get(name) {
                Some(var) => {
                    used.push(name.to_owned());
                    *value = var.value.clone();
                }
                None => {
                    let says = unknown(name, vars);
                    mistakes.add(at, says);
                }
            }
        }
        _ => {}
    }
}
