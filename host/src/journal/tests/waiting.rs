//! The queue by itself: who waits, for what, and what they are told.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::queue::{Item, Queue, What};
use super::*;

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn remark(queue: &Queue, bytes: usize) -> Ticket {
    queue.write(TREE, Time(1), What::Event(said(&"x".repeat(bytes))), None)
}

fn weight(items: &[Item]) -> usize {
    items.iter().map(super::weigh::item).sum()
}

#[test]
fn calls_wait_while_too_much_is_queued_and_answers_do_not() {
    let queue = Queue::default();
    queue.begin(TREE, TREE);
    assert!(poll(pin!(queue.room())).is_ready());
    for _ in 0..65 {
        let _ = remark(&queue, 1 << 20);
    }
    let mut room = pin!(queue.room());
    assert!(poll(room.as_mut()).is_pending());
    let items = queue.next(Vec::new()).unwrap();
    assert!(poll(room.as_mut()).is_pending(), "taken is not written yet");
    queue.settle(items.len() as u64, weight(&items), Vec::new());
    assert!(poll(room).is_ready());
}

#[test]
fn a_ticket_is_good_once_all_before_it_is_settled() {
    let queue = Queue::default();
    queue.begin(TREE, TREE);
    let (first, second) = (remark(&queue, 1), remark(&queue, 1));
    let (mut one, mut two) = (pin!(queue.flush(first)), pin!(queue.flush(second)));
    assert!(poll(one.as_mut()).is_pending() && poll(two.as_mut()).is_pending());
    queue.settle(2, 0, Vec::new());
    assert_eq!(poll(one), Poll::Ready(Ok(())));
    assert!(poll(two.as_mut()).is_pending());
    queue.settle(1, 0, Vec::new());
    assert_eq!(poll(two), Poll::Ready(Ok(())));
}

#[test]
fn what_is_refused_stays_refused_until_the_tree_is_claimed_again() {
    let queue = Queue::default();
    queue.begin(TREE, TREE);
    queue.settle(1, 0, Vec::new());
    let good = remark(&queue, 1);
    queue.settle(1, 0, Vec::new());
    let bad = remark(&queue, 1);
    let taken = Refused::Taken { tree: TREE, mine: 1, now: 2 };
    queue.settle(1, 0, vec![(TREE, taken.clone())]);
    assert_eq!(poll(pin!(queue.flush(good))), Poll::Ready(Ok(())));
    assert_eq!(poll(pin!(queue.flush(bad))), Poll::Ready(Err(taken.clone())));
    assert_eq!(queue.push(TREE, Item::Check { tree: TREE }), Err(taken.clone()));
    assert_eq!(queue.push(OTHER, Item::Check { tree: OTHER }), Ok(()));
    queue.reclaimed(TREE);
    assert_eq!(queue.push(TREE, Item::Check { tree: TREE }), Ok(()));
    assert_eq!(poll(pin!(queue.flush(bad))), Poll::Ready(Err(taken)));
}

#[test]
fn a_failure_reaches_everybody() {
    let queue = Queue::default();
    queue.begin(TREE, TREE);
    queue.settle(1, 0, Vec::new());
    let ticket = remark(&queue, 65 << 20);
    let (mut flush, mut room) = (pin!(queue.flush(ticket)), pin!(queue.room()));
    assert!(poll(flush.as_mut()).is_pending() && poll(room.as_mut()).is_pending());
    queue.fail(Refused::Full);
    assert_eq!(poll(flush), Poll::Ready(Err(Refused::Full)));
    assert!(poll(room).is_ready(), "whoever waits for room learns it from the next thing it does");
    assert_eq!(queue.push(OTHER, Item::Check { tree: OTHER }), Err(Refused::Full));
}
