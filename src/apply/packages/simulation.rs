//! What `apt-get -s` says it would do.

use super::messages;
use crate::message::Message;

/// The packages a run would change.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Simulation {
    /// Those that would come or change version.
    pub install: Vec<String>,
    /// Those that would go; with the architecture where apt-get names it, because it is not the
    /// root's own.
    pub remove: Vec<String>,
}

impl Simulation {
    /// Reads the output. The counts that apt-get gives must agree with its lines: a guard that
    /// overlooks a line is none.
    pub fn parse(lines: &[String]) -> Result<Simulation, Message> {
        let mut found = Simulation::default();
        let mut counted = None;
        for line in lines {
            let mut words = line.split_ascii_whitespace();
            match (words.next(), words.next()) {
                (Some("Inst"), Some(name)) => found.install.push(bare(name).to_owned()),
                (Some("Remv" | "Purg"), Some(name)) => found.remove.push(name.to_owned()),
                _ => counted = counted.or_else(|| counts(line)),
            }
        }
        match counted {
            Some((come, go)) if (come, go) == (found.install.len(), found.remove.len()) => {
                Ok(found)
            }
            Some((come, go)) => Err(messages::simulation_disagrees(
                come,
                go,
                found.install.len(),
                found.remove.len(),
            )),
            None => Err(messages::simulation_without_counts()),
        }
    }
}

/// A name without its architecture.
pub(super) fn bare(name: &str) -> &str {
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// The last line: `1 upgraded, 2 newly installed, 3 to remove and 4 not upgraded.`
fn counts(line: &str) -> Option<(usize, usize)> {
    let (changes, not_upgraded) = line.trim_end().split_once(" and ")?;
    not_upgraded.strip_suffix(" not upgraded.")?.parse::<usize>().ok()?;
    let (mut come, mut go) = (0, None);
    for part in changes.split(", ") {
        let (number, what) = part.split_once(' ')?;
        let number: usize = number.parse().ok()?;
        match what {
            "to remove" => go = Some(number),
            "upgraded" | "newly installed" | "reinstalled" | "downgraded" => come += number,
            _ => return None,
        }
    }
    Some((come, go?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Simulation, Message> {
        Simulation::parse(&text.lines().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn installs_and_removals_are_read() {
        let text = "Reading package lists...\nThe following packages will be REMOVED:\n  cups*\n\
                    1 upgraded, 1 newly installed, 1 reinstalled, 2 to remove and 7 not upgraded.\n\
                    Remv cups-bsd:i386 [2.2.7] [cups:amd64 ]\nPurg cups [2.2.7-1ubuntu2]\n\
                    Inst libc6 [2.27-3] (2.27-4 Ubuntu:18.04/bionic [amd64]) []\n\
                    Inst ufw (0.35-5 Ubuntu:18.04/bionic [all])\nInst x [1] (1 local [all])\n\
                    Conf ufw (0.35-5 Ubuntu:18.04/bionic [all])\n";
        let want = Simulation {
            install: ["libc6", "ufw", "x"].map(str::to_owned).into(),
            remove: ["cups-bsd:i386", "cups"].map(str::to_owned).into(),
        };
        assert_eq!(parse(text), Ok(want));
    }

    #[test]
    fn lines_that_disagree_with_the_counts_are_not_believed() {
        let counts = "0 upgraded, 0 newly installed, 2 to remove and 0 not upgraded.";
        let e = parse(&format!("{counts}\nPurg a [1]\n")).unwrap_err().to_string();
        assert!(e.contains("2 to remove, its lines name 0 and 1"), "{e}");
        assert!(parse("Purg a [1]\n").unwrap_err().to_string().contains("no counts"));
        assert!(parse(&format!("{counts}\nInst c (1)\nPurg a [1]\nPurg b [1]\n")).is_err());
        let none = "0 upgraded, 0 newly installed, 0 to remove and 3 not upgraded.";
        assert_eq!(parse(none), Ok(Simulation::default()));
    }
}
