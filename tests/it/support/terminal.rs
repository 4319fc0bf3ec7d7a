//! Running the binary in a pseudo-terminal, to see what a person sees.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    num::NonZero,
    path::Path,
    process::Stdio,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize},
};

use super::cli::{Running, Test, binary};

/// How long a test waits for something to appear.
const PATIENCE: Duration = Duration::from_secs(60);
const ROWS: u16 = 24;

/// A terminal with a command in it.
pub(crate) struct Terminal {
    running: Running,
    screen: Arc<Screen>,
    keyboard: File,
}

struct Screen {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: vt100::Parser,
    /// Everything that was written, control codes and all.
    written: Vec<u8>,
    ended: bool,
}

impl Test {
    /// Runs a command in a terminal of so many columns and 24 rows.
    pub(crate) fn start_in_terminal<S: AsRef<str>>(
        &self,
        columns: u16,
        arguments: impl IntoIterator<Item = S>,
    ) -> Terminal {
        self.start_program_in_terminal(&binary(), columns, arguments)
    }

    /// As [`start_in_terminal`](Self::start_in_terminal), for another program.
    pub(crate) fn start_program_in_terminal<S: AsRef<str>>(
        &self,
        program: &Path,
        columns: u16,
        arguments: impl IntoIterator<Item = S>,
    ) -> Terminal {
        let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&own).unwrap();
        unlockpt(&own).unwrap();
        tcsetwinsize(&own, Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&own, Vec::new()).unwrap();
        let theirs = || Stdio::from(open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap());
        let running = self.launch(program, arguments, |command| {
            command.stdin(theirs()).stdout(theirs()).stderr(theirs()).env("TERM", "xterm-256color");
        });
        let state = State {
            parser: vt100::Parser::new(size(ROWS), size(columns), 1000),
            written: Vec::new(),
            ended: false,
        };
        let screen = Arc::new(Screen { state: Mutex::new(state), changed: Condvar::new() });
        let (shared, own) = (screen.clone(), File::from(own));
        let keyboard = own.try_clone().unwrap();
        std::thread::spawn(move || shared.read(own));
        Terminal { running, screen, keyboard }
    }
}

impl Screen {
    fn read(&self, mut terminal: File) {
        let mut buffer = [0; 4096];
        // The other end is closed when the command ends; Linux calls that an error.
        while let Ok(count @ 1..) = terminal.read(&mut buffer) {
            let mut state = self.state.lock().unwrap();
            state.parser.process(&buffer[..count]);
            state.written.extend_from_slice(&buffer[..count]);
            self.changed.notify_all();
        }
        self.state.lock().unwrap().ended = true;
        self.changed.notify_all();
    }
}

/// What a terminal showed when its command had ended.
pub(crate) struct Shown {
    /// Exit status.
    pub(crate) code: Option<i32>,
    /// The signal that ended the command.
    pub(crate) signal: Option<i32>,
    /// The lines on the screen, without blanks at their ends and without empty lines below.
    pub(crate) lines: Vec<String>,
    /// Is the cursor shown again?
    pub(crate) cursor: bool,
    /// Is what is typed shown again?
    pub(crate) echo: bool,
    /// Everything that was written, control codes and all.
    pub(crate) written: Vec<u8>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = (self.code, self.signal, self.cursor);
        write!(f, "(status, signal, cursor): {end:?}\n{}\n--- as it was written", self.lines.join("\n"))?;
        write!(f, "\n{}", String::from_utf8_lossy(&self.written).escape_debug())
    }
}

impl Terminal {
    /// The lines on the screen now.
    pub(crate) fn lines(&self) -> Vec<String> {
        lines(&self.screen.state.lock().unwrap())
    }

    /// Waits until the screen is as asked for, and returns its lines.
    #[track_caller]
    pub(crate) fn until(&self, condition: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.screen.state.lock().unwrap();
        loop {
            let lines = lines(&state);
            if condition(&lines) {
                return lines;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !state.ended, "never shown; at last:\n{}", lines.join("\n"));
            state = self.screen.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Types on its keyboard.
    pub(crate) fn types(&self, text: &str) {
        (&self.keyboard).write_all(text.as_bytes()).unwrap();
    }

    /// Is what is typed shown?
    pub(crate) fn echoes(&self) -> bool {
        tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO)
    }

    /// Sends a signal by its name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Waits for the end of the command.
    pub(crate) fn wait(self) -> Shown {
        let outcome = self.running.wait();
        let echo = tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO);
        let state = self.screen.state.lock().unwrap();
        let state = self.screen.changed.wait_while(state, |state| !state.ended).unwrap();
        Shown {
            code: outcome.code,
            signal: outcome.signal,
            lines: lines(&state),
            echo,
            cursor: !state.parser.screen().hide_cursor(),
            written: state.written.clone(),
        }
    }
}

fn size(length: u16) -> NonZero<u16> {
    NonZero::new(length).unwrap()
}

fn lines(state: &State) -> Vec<String> {
    let screen = state.parser.screen();
    let rows = screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned());
    let mut lines: Vec<_> = rows.collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[test]
fn a_terminal_shows_what_is_left_when_lines_were_written_over() {
    let test = Test::new();
    let script = "test -t 1 && test -t 2 || exit 9; stty size; printf 'one\\r\\ntwo\\033[1A\\rONE\\033[?25l'; \
                  read -r _; printf '\\033[?25h'; exit 3";
    let program = test.program("oras-like", &format!("#!/bin/sh\n{script}\n"));
    let terminal = test.start_program_in_terminal(&program, 40, [""; 0]);
    assert_eq!(terminal.until(|lines| lines.len() > 2), ["24 40", "ONE", "two"]);
    terminal.types("\n");
    let shown = terminal.wait();
    assert_eq!((shown.code, shown.cursor), (Some(3), true));
    assert!(shown.written.ends_with(b"\x1b[?25h"), "{shown:?}");
}
