//! Questions to whoever sits at standard input.
//!
//! Reading waits on a thread of its own, so that a signal ends the command while it waits, and only the line
//! itself is taken from the input, since another program may want the rest.

use std::io::{self, IsTerminal as _, Read as _};

use anyhow::Context as _;

use super::output::Printer;

/// Longest line that is read, in bytes: more than any token has.
const LONGEST: usize = 1 << 20;

/// Asks for a line that may be seen.
pub(crate) async fn line(printer: &Printer, question: &str) -> anyhow::Result<String> {
    printer.bytes(question.as_bytes());
    read_line().await
}

/// Asks for a line that must not be seen: a terminal does not show it.
pub(crate) async fn secret(printer: &Printer, question: &str) -> anyhow::Result<String> {
    if !io::stdin().is_terminal() {
        printer.bytes(question.as_bytes());
        return read_line().await;
    }
    // Whoever reads the question may answer at once.
    let hidden = Hidden::begin().context("turn the terminal's echo off")?;
    printer.bytes(question.as_bytes());
    let line = read_line().await;
    drop(hidden);
    printer.bytes(b"\n");
    line
}

async fn read_line() -> anyhow::Result<String> {
    tokio::task::spawn_blocking(read_bytes).await?.context("read from standard input")
}

/// Reads up to a line feed or the end, without what ends the line.
fn read_bytes() -> io::Result<String> {
    let mut input = unbuffered()?;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LONGEST {
        match input.read(&mut byte) {
            Ok(0) => break,
            Ok(_) if byte[0] == b'\n' => break,
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    String::from_utf8(line).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the line is not UTF-8"))
}

/// Standard input without a buffer that would swallow what follows the line.
#[cfg(unix)]
fn unbuffered() -> io::Result<std::fs::File> {
    use std::os::fd::AsFd as _;
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(not(unix))]
fn unbuffered() -> io::Result<io::Stdin> {
    Ok(io::stdin())
}

/// While it lives, the terminal shows nothing of what is typed.
#[cfg(unix)]
struct Hidden(rustix::termios::Termios);

#[cfg(unix)]
impl Hidden {
    fn begin() -> io::Result<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.remove(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        // Nothing better can be done about a terminal that has gone away.
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}

#[cfg(not(unix))]
struct Hidden;

#[cfg(not(unix))]
impl Hidden {
    fn begin() -> io::Result<Self> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "use --password-stdin on this system"))
    }
}
