//! Writes the man pages and shell completions, made from the command line's own definition, below a
//! directory: `man/*.1`, `gokaku.bash`, `_gokaku` (zsh), `gokaku.fish`.
//!
//! An example and not a verb: whoever packages the program needs it once, and the program that goes
//! into an image stays smaller by it. `provision/build-deb.sh` runs it.
//!
//! `cargo run --example packaging -- target/package 2026-01-31`
#![allow(clippy::disallowed_methods)] // writes where it is told, on the machine that builds

use std::io;
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

/// What the definition cannot tell.
const FILES: &str = r#".SH FILES
.TP
.I /var/lib/gokaku
where the machine that runs gokaku keeps what undoes a run; never inside another root
.TP
.I /usr/share/gokaku/profiles
the embedded profile, as a start for one's own
.TP
.I /usr/share/gokaku/provision
scripts for image pipelines
"#;

fn main() -> io::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let (Some(out), Some(Ok(date))) = (args.next(), args.next().map(|d| d.into_string())) else {
        eprintln!("usage: packaging DIRECTORY DATE");
        std::process::exit(64);
    };
    write(Path::new(&out), &date)
}

/// Writes them all; `date` is what the man pages show.
pub fn write(out: &Path, date: &str) -> io::Result<()> {
    let man = out.join("man");
    std::fs::create_dir_all(&man)?;
    // Pages tell the version alone: the commit is the program's to tell.
    let version = env!("CARGO_PKG_VERSION");
    gokaku::cli::with_rows(|command| {
        let mut command = command.version(version);
        [Shell::Bash, Shell::Zsh, Shell::Fish].into_iter().try_for_each(|shell| {
            clap_complete::generate_to(shell, &mut command, "gokaku", out).map(drop)
        })
    })?;
    let mut command = gokaku::cli::command().version(version);
    // A page for each verb; `help` needs none.
    command = command.after_help("").disable_help_subcommand(true);
    command.build();
    let names: Vec<String> = command.get_subcommands().map(|v| page_of(v.get_name())).collect();
    let also: Vec<String> = names.iter().map(|n| format!(".BR {n} (1)")).collect();
    page(&command, "gokaku", date, &also.join(",\n"), &man)?;
    for (verb, name) in command.get_subcommands().zip(&names) {
        page(&verb.clone().display_name(name), name, date, ".BR gokaku (1)", &man)?;
    }
    Ok(())
}

/// The table that the program itself has.
fn exit_status() -> String {
    let mut text = ".SH \"EXIT STATUS\"\n".to_owned();
    for row in &gokaku::cli::status::TABLE {
        // Markdown's backquotes are bold here, and a hyphen is a minus.
        let mut meaning = row.en.replace('-', "\\-");
        for font in ["\\fB", "\\fR"].iter().cycle() {
            let Some(at) = meaning.find('`') else { break };
            meaning.replace_range(at..=at, font);
        }
        text.push_str(&format!(".TP\n.B {}\n{meaning}\n", row.status));
    }
    text
}

fn page_of(verb: &str) -> String {
    format!("gokaku-{verb}")
}

fn page(command: &Command, name: &str, date: &str, also: &str, dir: &Path) -> io::Result<()> {
    let man = Man::new(command.clone()).date(date).manual("User Commands");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    text.extend_from_slice(exit_status().as_bytes());
    text.extend_from_slice(FILES.as_bytes());
    text.extend_from_slice(format!(".SH \"SEE ALSO\"\n{also}\n").as_bytes());
    std::fs::write(dir.join(format!("{name}.1")), text)
}
