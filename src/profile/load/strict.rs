//! What a person who checks a profile is told besides: what is over, and rows that contradict each other.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::Place;
use super::mistakes::Mistakes;
use super::render;
use super::source::Sources;
use crate::profile::{Profile, Rule, RuleId, Until};

/// The fields that say which setting a want is about.
const NAMES: [&str; 9] =
    ["key", "directive", "name", "section", "path", "unit", "item", "target", "files"];
/// The fields of which two values exclude each other.
const VALUES: [&str; 3] = ["value", "state", "quoted"];

/// Adds the mistakes and warnings of a profile that can be read.
pub(super) fn look(profile: &Profile, today: i64, sources: &Sources, mistakes: &mut Mistakes) {
    for rule in &profile.rules {
        let waivers = rule.site.waivers.iter().map(|waiver| (waiver.until, &waiver.place));
        let replaced = rule.site.replaced.as_ref();
        let accepted = replaced.and_then(|r| Some((r.accepted.as_ref()?.1, &r.place)));
        for (until, place) in waivers.chain(accepted) {
            ends(&rule.id, until, place, today, sources, mistakes);
        }
    }
    contradictions(profile, sources, mistakes);
}

fn ends(
    rule: &RuleId,
    until: Until,
    place: &Place,
    today: i64,
    sources: &Sources,
    mistakes: &mut Mistakes,
) {
    let at = sources.line(place);
    if until.is_over(today) {
        let says = format!(
            "the decision about row {rule} ended on {until}; extend it, or remove it to have the row hold"
        );
        mistakes.add(at, says);
    } else if let Some(days) = until.ends_soon(today) {
        mistakes.warn(at, format!("the decision about row {rule} ends on {until}, in {days} days"));
    }
}

/// A setting: the primitive and its names.
type Setting = (String, Vec<(String, String)>);

/// Rows that want one setting to have two values, one of them a layer's.
fn contradictions(profile: &Profile, sources: &Sources, mistakes: &mut Mistakes) {
    let mut known: BTreeMap<Setting, Vec<(&Rule, &Place, String)>> = BTreeMap::new();
    for rule in profile.rules.iter().filter(|rule| rule.is_enforced()) {
        for (want, place) in rule.wants.iter().zip(&rule.want_places) {
            if let Some((setting, value)) = setting(want) {
                known.entry(setting).or_default().push((rule, place, value));
            }
        }
    }
    for wants in known.values() {
        for (number, (rule, place, value)) in wants.iter().enumerate() {
            for (other, other_place, other_value) in &wants[..number] {
                let of_layers = rule.site.wants() || other.site.wants();
                if value == other_value || !of_layers || other_place == place {
                    continue;
                }
                // The layer's is the one to change.
                let (at, id, what, there) = match rule.site.wants() {
                    true => (place, &rule.id, value, (&other.id, other_place, other_value)),
                    false => (other_place, &other.id, other_value, (&rule.id, place, value)),
                };
                let says = format!(
                    "row {id} wants {what}, and row {} ({}) wants {} of the same setting; change one, or \
                     give [[set]] its `by` and `until`",
                    there.0, there.1, there.2
                );
                mistakes.add(sources.line(at), says);
            }
        }
    }
}

/// The setting of a want, as it is shown, and its value.
fn setting(want: &str) -> Option<(Setting, String)> {
    let table = DeTable::parse(want).ok()?.into_inner();
    let (primitive, fields) = table.iter().next()?;
    let fields = fields.get_ref().as_table()?;
    let shown = |name: &str| Some(render::value(fields.get(name)?.get_ref(), None));
    // Ranges and lists may overlap.
    let one = |name: &&str| {
        let value = fields.get(*name)?.get_ref();
        let scalar = !value.is_table() && !value.is_array();
        scalar.then(|| format!("`{name} = {}`", render::value(value, None)))
    };
    let value = VALUES.iter().find_map(one)?;
    let names: Vec<(String, String)> =
        NAMES.iter().filter_map(|name| Some(((*name).to_owned(), shown(name)?))).collect();
    (!names.is_empty()).then_some(((primitive.get_ref().to_string(), names), value))
}
