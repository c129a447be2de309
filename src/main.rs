//! The program: logger, command line, exit status. Everything else is the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    gokaku::cli::main()
}
