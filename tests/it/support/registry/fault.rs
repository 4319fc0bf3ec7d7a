//! What can go wrong with a request and its answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::sync::watch;

use super::message::{Answer, Request};

/// Changes an answer that the registry would have given.
pub(crate) type Edit = Arc<dyn Fn(&Request, &mut Answer) + Send + Sync>;

/// Something that goes wrong with one request. Parts combine: `Fault::header(…).and_close_after(3)`.
#[derive(Clone)]
pub(crate) struct Fault {
    pub(super) act: Act,
    pub(super) edits: Vec<Edit>,
    pub(super) plan: Plan,
}

/// What is done with the request.
#[derive(Clone)]
pub(super) enum Act {
    /// What the registry does.
    CarryOut,
    /// Nothing; this is the answer. The body is read first unless it is early.
    Answer { answer: Box<Answer>, early: bool },
    /// Nothing; the connection ends.
    Close { reset: bool },
    /// The connection ends when so many bytes of the request's body were read.
    CloseWhileReading { after: usize, reset: bool },
    /// It is carried out, but the connection ends before the answer.
    LoseAnswer,
    /// These bytes are written to the connection, which then ends.
    Raw(Bytes),
    /// Nothing; over HTTP/2 the stream is refused.
    RefuseStream,
    /// Nothing until the gate is opened; then what the registry does.
    Hold(Gate),
    /// Nothing for a while; then what the registry does.
    Delay(Duration),
    /// Every token is forgotten; then what the registry does.
    ExpireTokens,
    /// The upload that is named is forgotten; then what the registry does.
    LoseUpload,
}

/// How the body of the answer is sent.
#[derive(Clone)]
pub(super) enum Plan {
    /// At once.
    Whole,
    /// So many bytes, then the connection ends.
    CloseAfter { bytes: usize, reset: bool },
    /// So many bytes, then nothing until the gate is opened, then the rest.
    StallAfter { bytes: usize, gate: Gate },
    /// In pieces of so many bytes, with a pause behind each.
    Drip { piece: usize, pause: Duration },
    /// The body again and again without an end.
    Endless,
}

impl Fault {
    fn acting(act: Act) -> Self {
        Self { act, edits: Vec::new(), plan: Plan::Whole }
    }

    fn planned(plan: Plan) -> Self {
        Self { act: Act::CarryOut, edits: Vec::new(), plan }
    }

    /// A status with an empty body, rather than what the registry does.
    pub(crate) fn status(status: u16) -> Self {
        Self::answer(Answer::new(status))
    }

    /// An answer, rather than what the registry does.
    pub(crate) fn answer(answer: Answer) -> Self {
        Self::acting(Act::Answer { answer: Box::new(answer), early: false })
    }

    /// An error of the distribution specification.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        Self::answer(Answer::error(status, code, message))
    }

    /// An answer that is sent while the request's body is still on its way.
    pub(crate) fn early(answer: Answer) -> Self {
        Self::acting(Act::Answer { answer: Box::new(answer), early: true })
    }

    /// A redirect.
    pub(crate) fn redirect(status: u16, location: &str) -> Self {
        Self::answer(Answer::new(status).header("location", location))
    }

    /// The connection ends before any byte of an answer.
    pub(crate) fn close() -> Self {
        Self::acting(Act::Close { reset: false })
    }

    /// The connection is reset before any byte of an answer.
    pub(crate) fn reset() -> Self {
        Self::acting(Act::Close { reset: true })
    }

    /// The connection ends when so many bytes of the request's body were read. What was read reaches an
    /// upload only if the registry keeps uploads across cuts.
    pub(crate) fn close_while_reading(after: usize) -> Self {
        Self::acting(Act::CloseWhileReading { after, reset: false })
    }

    /// As [`close_while_reading`](Self::close_while_reading), with a reset.
    pub(crate) fn reset_while_reading(after: usize) -> Self {
        Self::acting(Act::CloseWhileReading { after, reset: true })
    }

    /// The request is carried out, but its answer is lost with the connection.
    pub(crate) fn lose_answer() -> Self {
        Self::acting(Act::LoseAnswer)
    }

    /// The connection ends behind so many bytes of the answer's body.
    pub(crate) fn close_after(bytes: usize) -> Self {
        Self::planned(Plan::CloseAfter { bytes, reset: false })
    }

    /// The connection is reset behind so many bytes of the answer's body.
    pub(crate) fn reset_after(bytes: usize) -> Self {
        Self::planned(Plan::CloseAfter { bytes, reset: true })
    }

    /// An HTTP/2 stream that is refused with `REFUSED_STREAM`: the request was not looked at.
    pub(crate) fn refuse_stream() -> Self {
        Self::acting(Act::RefuseStream)
    }

    /// An HTTP/2 connection that ends with `GOAWAY` (no error) and says that no request was looked at.
    pub(crate) fn go_away() -> Self {
        const LENGTH: [u8; 3] = [0, 0, 8];
        const TYPE_FLAGS_STREAM: [u8; 6] = [7, 0, 0, 0, 0, 0];
        const LAST_STREAM_AND_REASON: [u8; 8] = [0; 8];
        Self::raw([&LENGTH[..], &TYPE_FLAGS_STREAM, &LAST_STREAM_AND_REASON].concat())
    }

    /// Bytes that need not be HTTP, instead of an answer.
    pub(crate) fn raw(bytes: impl Into<Bytes>) -> Self {
        Self::acting(Act::Raw(bytes.into()))
    }

    /// No answer until the gate is opened.
    pub(crate) fn stall(gate: &Gate) -> Self {
        Self::acting(Act::Hold(gate.clone()))
    }

    /// No more than so many bytes of the body until the gate is opened.
    pub(crate) fn stall_after(bytes: usize, gate: &Gate) -> Self {
        Self::planned(Plan::StallAfter { bytes, gate: gate.clone() })
    }

    /// An answer that takes so long.
    pub(crate) fn delay(time: Duration) -> Self {
        Self::acting(Act::Delay(time))
    }

    /// A body in pieces of so many bytes, with a pause behind each.
    pub(crate) fn drip(piece: usize, pause: Duration) -> Self {
        Self::planned(Plan::Drip { piece, pause })
    }

    /// A body that never ends; it repeats what the registry would have sent, or `x`.
    pub(crate) fn endless() -> Self {
        Self::planned(Plan::Endless).and_without_header("content-length")
    }

    /// An upload that the registry has forgotten.
    pub(crate) fn lose_upload() -> Self {
        Self::acting(Act::LoseUpload)
    }

    /// A registry that no longer accepts any token that was given out.
    pub(crate) fn expire_tokens() -> Self {
        Self::acting(Act::ExpireTokens)
    }

    /// A body of the right length in which one bit is wrong.
    pub(crate) fn wrong_bytes() -> Self {
        Self::edit(|_, answer| {
            let mut bytes = answer.body.to_vec();
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            answer.body = bytes.into();
        })
    }

    /// Another body than the registry's, with its own length.
    pub(crate) fn body(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::edit(move |_, answer| {
            answer.set_header("content-length", body.len().to_string());
            answer.body = body.clone();
        })
    }

    /// A header that the registry would not send, or would send otherwise.
    pub(crate) fn header(name: &str, value: &str) -> Self {
        Self::planned(Plan::Whole).and_header(name, value)
    }

    /// A header that is missing.
    pub(crate) fn without_header(name: &str) -> Self {
        Self::planned(Plan::Whole).and_without_header(name)
    }

    /// Any change of what the registry would have answered.
    pub(crate) fn edit(edit: impl Fn(&Request, &mut Answer) + Send + Sync + 'static) -> Self {
        Self { act: Act::CarryOut, edits: vec![Arc::new(edit)], plan: Plan::Whole }
    }

    /// Also: a header.
    pub(crate) fn and_header(self, name: &str, value: &str) -> Self {
        let (name, value) = (name.to_owned(), value.to_owned());
        self.and_edit(move |_, answer| answer.set_header(&name, &value))
    }

    /// Also: a header less.
    pub(crate) fn and_without_header(self, name: &str) -> Self {
        let name = name.to_owned();
        self.and_edit(move |_, answer| drop(answer.headers.remove(&*name)))
    }

    /// Also: a body; the length in the header stays that of the true one.
    pub(crate) fn and_body(self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.and_edit(move |_, answer| answer.body = body.clone())
    }

    /// Also: any change of the answer.
    pub(crate) fn and_edit(mut self, edit: impl Fn(&Request, &mut Answer) + Send + Sync + 'static) -> Self {
        self.edits.push(Arc::new(edit));
        self
    }

    /// Also: the connection ends behind so many bytes of the body.
    pub(crate) fn and_close_after(mut self, bytes: usize) -> Self {
        self.plan = Plan::CloseAfter { bytes, reset: false };
        self
    }

    /// Also: no more than so many bytes of the body until the gate is opened.
    pub(crate) fn and_stall_after(mut self, bytes: usize, gate: &Gate) -> Self {
        self.plan = Plan::StallAfter { bytes, gate: gate.clone() };
        self
    }
}

/// What a stalled answer waits for. A test opens it, or lets the registry go.
#[derive(Clone)]
pub(crate) struct Gate(Arc<watch::Sender<(usize, bool)>>);

impl Gate {
    /// A closed gate.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new((0, false))))
    }

    /// Lets everybody through who waits, and who comes later.
    pub(crate) fn open(&self) {
        self.0.send_modify(|(_, open)| *open = true);
    }

    /// Waits until somebody stands at the gate.
    pub(crate) async fn reached(&self) {
        self.reached_by(1).await;
    }

    /// Waits until so many stood at the gate.
    pub(crate) async fn reached_by(&self, many: usize) {
        let _ = self.0.subscribe().wait_for(|(arrived, _)| *arrived >= many).await;
    }

    pub(super) async fn pass(&self) {
        self.0.send_modify(|(arrived, _)| *arrived += 1);
        let _ = self.0.subscribe().wait_for(|(_, open)| *open).await;
    }
}
