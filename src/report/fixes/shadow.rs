//! What changes in `shadow` as the commands that do exactly that: a diff would show the hashes.

use super::Step;
use super::steps::Word;

/// The options of `chage` for the fields that it sets, by their places in a line.
const AGEING: [(usize, &str); 6] =
    [(2, "-d"), (3, "-m"), (4, "-M"), (5, "-W"), (6, "-I"), (7, "-E")];
const PASSWORD: usize = 1;

/// The commands that make `new` of `old`; `None` where no commands do it exactly: a line comes or
/// goes, or a name is not one that a command takes.
pub(super) fn of(old: &[u8], new: &[u8]) -> Option<Vec<Step>> {
    let (old, new) = (std::str::from_utf8(old).ok()?, std::str::from_utf8(new).ok()?);
    let (before, after): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if before.len() != after.len() || old.ends_with('\n') != new.ends_with('\n') {
        return None;
    }
    let mut steps = Vec::new();
    for (line, wanted) in before.iter().zip(&after).filter(|(a, b)| a != b) {
        let (a, b): (Vec<&str>, Vec<&str>) =
            (line.split(':').collect(), wanted.split(':').collect());
        let name = *a.first()?;
        let of_name = before.iter().filter(|other| other.split(':').next() == Some(name));
        let is_plain = |name: &str| {
            let good = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
            !name.is_empty() && !name.starts_with('-') && name.bytes().all(good)
        };
        // The commands take the first line with a name.
        if a.len() != 9 || b.len() != 9 || of_name.count() != 1 || !is_plain(name) {
            return None;
        }
        steps.extend(of_line(name, &a, &b)?);
    }
    if !steps.is_empty() {
        // They leave a copy of the file as it was, with its mode; a later row may close the file alone.
        let words = vec![Word::Plain("chmod g-wx,o-rwx"), Word::Path("etc/shadow-".to_owned())];
        steps.push(Step::Run { first: false, words });
    }
    Some(steps)
}

fn of_line(name: &str, old: &[&str], new: &[&str]) -> Option<Vec<Step>> {
    use Word::{Plain, Root, Text};
    let mut steps = Vec::new();
    let mut ageing = vec![Plain("chage -R"), Root];
    for (at, (old, new)) in old.iter().zip(new).enumerate().filter(|(_, (a, b))| a != b) {
        if at == PASSWORD {
            // It puts a `!` before what stands there, unless one is there.
            if old.starts_with('!') || new.strip_prefix('!') != Some(*old) {
                return None;
            }
            let words = vec![Plain("usermod -R"), Root, Plain("-L"), Text(name.to_owned())];
            steps.push(Step::Run { first: false, words });
            continue;
        }
        let (_, option) = AGEING.iter().find(|(place, _)| *place == at)?;
        let value = match *new {
            "" => "-1",
            days if days.bytes().all(|b| b.is_ascii_digit()) => days,
            _ => return None,
        };
        ageing.extend([Plain(option), Text(value.to_owned())]);
    }
    if ageing.len() > 2 {
        ageing.push(Text(name.to_owned()));
        steps.push(Step::Run { first: false, words: ageing });
    }
    Some(steps)
}
