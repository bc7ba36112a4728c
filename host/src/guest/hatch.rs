//! The way of a call from the fibre of a guest to the host's side of the same task, and of what it is told back.
//!
//! What runs on a fibre leaves its mark there: every page of stack that was touched once stays for as long as the guest
//! lives, and most of a guest's life is waiting. So the host's part of a call does not run on the guest's stack. The fibre
//! puts the call here and gives way; the task, which all guests of a thread share the stack of, takes it through the door,
//! puts here what came of it, and goes on with the guest. No other task and no other thread is woken for that.

use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures::future::poll_fn;
use orchestra_pit_core::call::Call;

use super::{Door, Passed};

/// A guest's hatch. It makes one call at a time, so there is room for one.
#[derive(Default)]
pub(super) struct Hatch {
    slot: Mutex<Slot>,
}

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Asked(Box<Call>),
    Passed(Passed),
}

impl Hatch {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// For the guest's side: asks, and waits for what it is told.
    pub(super) async fn pass(&self, call: Call) -> Passed {
        *self.lock() = Slot::Asked(Box::new(call));
        // Nothing has to be woken: whoever puts the answer here polls this next.
        poll_fn(|_| {
            let mut slot = self.lock();
            match std::mem::take(&mut *slot) {
                Slot::Passed(passed) => Poll::Ready(passed),
                other => {
                    *slot = other;
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn asked(&self) -> Option<Box<Call>> {
        let mut slot = self.lock();
        match std::mem::take(&mut *slot) {
            Slot::Asked(call) => Some(call),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// For the host's side: goes on with a guest until it is done, and takes each of its calls through the door.
    pub(super) async fn serve<T>(&self, door: &impl Door, guest: impl Future<Output = T>) -> T {
        enum Came<T> {
            Done(T),
            Asked(Box<Call>),
        }
        let mut guest = pin!(guest);
        loop {
            let came = poll_fn(|cx| match guest.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(Came::Done(done)),
                // It gives way for a call, or to let others run.
                Poll::Pending => self.asked().map_or(Poll::Pending, |call| Poll::Ready(Came::Asked(call))),
            });
            match came.await {
                Came::Done(done) => return done,
                Came::Asked(call) => {
                    let passed = door.pass(*call).await;
                    *self.lock() = Slot::Passed(passed);
                }
            }
        }
    }
}
