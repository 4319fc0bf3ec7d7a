//! How the body of an answer goes out: whole, cut short, held back or drop by drop.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Frame;

use super::{
    connection::Switch,
    fault::{Gate, Plan},
};

/// The body of an answer.
pub(crate) type Delivery = UnsyncBoxBody<Bytes, io::Error>;

/// The body as planned; `stated` is the length that the headers give.
pub(super) fn deliver(body: Bytes, stated: Option<usize>, plan: Plan, switch: Arc<Switch>) -> Delivery {
    match plan {
        // The HTTP server would add the length of what is known to be whole, and would send nothing at
        // all of what is shorter than stated.
        Plan::Whole if stated.is_none() && !body.is_empty() => steps(vec![Step::Send(body)], switch),
        Plan::Whole if stated.is_some_and(|stated| stated > body.len()) => {
            steps(vec![Step::Send(body), Step::End { reset: false }], switch)
        }
        Plan::Whole => Full::new(body).map_err(|never| match never {}).boxed_unsync(),
        Plan::CloseAfter { bytes, reset } => {
            let part = body.slice(..bytes.min(body.len()));
            steps(vec![Step::Send(part), Step::End { reset }], switch)
        }
        Plan::StallAfter { bytes, gate } => {
            let at = bytes.min(body.len());
            let (first, rest) = (body.slice(..at), body.slice(at..));
            steps(vec![Step::Send(first), Step::Wait(gate), Step::Send(rest)], switch)
        }
        Plan::Drip { piece, pause } => {
            let mut all = Vec::new();
            for start in (0..body.len()).step_by(piece.max(1)) {
                all.push(Step::Send(body.slice(start..(start + piece).min(body.len()))));
                all.push(Step::Pause(pause));
            }
            steps(all, switch)
        }
        Plan::Endless => {
            let piece = if body.is_empty() { Bytes::from(vec![b'x'; 16 << 10]) } else { body };
            let pieces = stream::repeat_with(move || Ok(Frame::data(piece.clone())));
            StreamBody::new(pieces).boxed_unsync()
        }
    }
}

enum Step {
    Send(Bytes),
    Wait(Gate),
    Pause(Duration),
    End { reset: bool },
}

fn steps(steps: Vec<Step>, switch: Arc<Switch>) -> Delivery {
    let state = (steps.into_iter(), switch, 0);
    let frames = stream::unfold(state, |(mut steps, switch, mut mark)| async move {
        loop {
            match steps.next()? {
                Step::Send(bytes) => {
                    mark = switch.flush_mark();
                    return Some((Ok(Frame::data(bytes)), (steps, switch, mark)));
                }
                Step::Wait(gate) => gate.pass().await,
                Step::Pause(time) => tokio::time::sleep(time).await,
                Step::End { reset } => {
                    switch.flushed_since(mark).await;
                    if reset {
                        switch.reset()
                    } else {
                        switch.close()
                    }
                    std::future::pending::<()>().await;
                }
            }
        }
    });
    StreamBody::new(frames).boxed_unsync()
}
