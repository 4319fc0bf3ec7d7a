//! Signals that ask a command to stop.

use std::io;

use tokio::sync::oneshot;

/// Tells of the first signal that asks to stop, by the exit status for it. The second one ends the program at
/// once, whatever it is doing.
pub(crate) fn first_stop() -> io::Result<oneshot::Receiver<u8>> {
    let mut signals = Signals::listen()?;
    let (sender, first) = oneshot::channel();
    tokio::spawn(async move {
        // Nobody listens any more when the command has just ended by itself.
        let _ = sender.send(signals.next().await);
        let status = signals.next().await;
        #[expect(clippy::exit, reason = "what does not stop when it is asked to is not asked again")]
        std::process::exit(status.into());
    });
    Ok(first)
}

/// Signals that ask to stop. None gets lost between two of them.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one, and returns the exit status for it.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    /// Waits for one, and returns the exit status for it.
    async fn next(&mut self) -> u8 {
        let _ = self.0.recv().await;
        130
    }
}
