//! blind TARGET RUNS SECONDS LONGEST SEED DIR…: puts a target to inputs made in disorder from those
//! in the directories, at full speed, watching nothing. RUNS executions or, unless 0, SECONDS. An
//! input that breaks a promise is saved in `artifacts/`; the status is 1 then.
//!
//! `run.sh --blind` drives it: many more executions of a corpus that watching has made good.

use std::error::Error;
use std::fs;
use std::panic;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use gokaku_fuzz::TARGETS;
use gokaku_fuzz::disorder::Disorder;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, runs, seconds, longest, seed, dirs @ ..] = args.as_slice() else {
        return Err("usage: blind TARGET RUNS SECONDS LONGEST SEED DIR...".into());
    };
    let (_, target) = TARGETS.iter().find(|(n, _)| n == name).ok_or("no such target")?;
    let (runs, seconds): (u64, u64) = (runs.parse()?, seconds.parse()?);
    let (longest, seed): (usize, u64) = (longest.parse()?, seed.parse()?);
    let mut inputs = Vec::new();
    for dir in dirs {
        for entry in fs::read_dir(dir)? {
            let mut input = fs::read(entry?.path())?;
            input.truncate(longest);
            inputs.push(input);
        }
    }
    // The order in which a directory is listed is nobody's choice.
    inputs.sort();
    inputs.push(Vec::new());
    let mut disorder = Disorder::new(seed);
    let start = Instant::now();
    let mut done = 0;
    let mut status = ExitCode::SUCCESS;
    'all: while done < runs && (seconds == 0 || start.elapsed() < Duration::from_secs(seconds)) {
        // Not to ask the clock each time.
        for _ in 0..(runs - done).min(256) {
            let input = disorder.input(&inputs, longest);
            if panic::catch_unwind(|| target(&input)).is_err() {
                let path = format!("artifacts/{name}/crash-{seed}-{done}");
                fs::create_dir_all(Path::new("artifacts").join(name))?;
                fs::write(&path, &input)?;
                println!("Test unit written to {path}");
                status = ExitCode::FAILURE;
                break 'all;
            }
            done += 1;
        }
    }
    // As libFuzzer says it.
    println!("stat::number_of_executed_units: {done}");
    println!("stat::average_exec_per_sec: {:.0}", done as f64 / start.elapsed().as_secs_f64());
    Ok(status)
}
