//! The `oras` command.

fn main() -> std::process::ExitCode {
    oras::cli::main(std::env::args_os())
}
