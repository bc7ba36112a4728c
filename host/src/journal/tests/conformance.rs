//! What every store must do. Each test is a function of an opener; the macro makes one test a store of each.

use orchestra_pit_core::call::delegate::End;
use orchestra_pit_core::id::Oid;
use orchestra_pit_core::record::Ended;

use super::*;

/// Opens the same journal again and again, each time as another process would.
pub(super) trait Place: Send + Sync {
    fn open(&self) -> Journal;
}

pub(super) struct InMemory(super::super::memory::Memory);

impl InMemory {
    pub(super) fn new() -> Self {
        Self(Default::default())
    }
}

impl Place for InMemory {
    fn open(&self) -> Journal {
        Journal::start(Box::new(self.0.clone()), Arc::new(self.0.clone()), Options::default())
    }
}

pub(super) struct InSqlite(pub(super) tempfile::TempDir);

impl InSqlite {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn file(&self) -> std::path::PathBuf {
        self.0.path().join("pit/journal.db")
    }
}

impl Place for InSqlite {
    fn open(&self) -> Journal {
        Journal::sqlite(&self.file()).unwrap()
    }
}

macro_rules! for_every_store {
    ($($test:ident)*) => {
        mod memory {
            $(#[tokio::test] async fn $test() { super::$test(&super::InMemory::new()).await; })*
        }
        mod sqlite {
            $(#[tokio::test] async fn $test() { super::$test(&super::InSqlite::new()).await; })*
        }
    };
}

for_every_store! {
    what_is_written_is_read_in_order
    a_finished_call_is_recalled
    a_tree_that_is_taken_over_refuses_its_old_owner
    owners_that_fight_over_a_tree_leave_one_chain
    an_old_owner_that_goes_on_where_the_new_one_stands_is_refused
    what_rides_is_on_record_with_anyones_next_intent
    what_nobody_waits_for_is_written_all_the_same
    an_inbox_is_in_order_and_given_once
    a_command_is_done_with_what_came_of_it
    an_erased_payload_leaves_the_chain
    nobody_writes_what_is_not_theirs
    trees_and_runs_tell_how_they_stand
    an_end_is_found_behind_what_people_did_with_it
    agents_in_any_order_are_each_in_order
}

pub(super) fn kinds(records: &[Record]) -> Vec<&str> {
    records.iter().map(|(header, _)| header.kind.as_str()).collect()
}

async fn what_is_written_is_read_in_order(place: &dyn Place) {
    let journal = place.open();
    assert_eq!(journal.new_tree(TREE).await, 1);
    journal.begin(CHILD, TREE);
    for n in 0..5 {
        let ticket = journal.write(if n % 2 == 0 { TREE } else { CHILD }, Time(n), said(&n.to_string()));
        if n == 4 {
            journal.flush(ticket).await.unwrap();
        }
    }
    let texts: Vec<u64> = journal.read_tree(TREE, 1).await.unwrap().iter().map(|row| row.header.at.0).collect();
    assert_eq!(texts, [0, 1, 2, 3, 4]);
    assert_eq!(kinds(&journal.read(CHILD, 0).await.unwrap()), ["remarked", "remarked"]);
    assert_eq!(journal.read(TREE, 2).await.unwrap().len(), 2);
    assert_eq!(journal.verify(TREE).await, Ok(6));
    assert_eq!(journal.verify(OTHER).await, Err(JournalError::Unknown { run: OTHER }));
}

async fn a_finished_call_is_recalled(place: &dyn Place) {
    let journal = place.open();
    journal.new_tree(TREE).await;
    journal.call(TREE, TREE, 0, line("a")).await.unwrap();
    journal.call(TREE, TREE, 1, ask(&["x"])).await.unwrap();
    let (_, open) = journal.intend(hold(order(TREE, TREE, 2, ask(&["x", "y"]))), None).await.unwrap();
    drop((open, journal));

    let journal = place.open();
    assert_eq!(journal.claim(TREE).await.unwrap(), 2);
    let records = journal.resume(TREE).await.unwrap();
    assert_eq!(kinds(&records), ["began", "intended", "answered", "intended", "answered", "intended"]);
    match journal.recall(&order(TREE, TREE, 0, line("a"))) {
        Recall::Answered { answer, at } => assert_eq!((answer, at), (YES, Time(2000))),
        other => panic!("{other:?}"),
    }
    match journal.recall(&order(TREE, TREE, 1, ask(&["z"]))) {
        Recall::Diverged { recorded } => assert_eq!(recorded, ask(&["x"]).digest()),
        other => panic!("{other:?}"),
    }
    let doubt = match journal.recall(&order(TREE, TREE, 2, ask(&["x", "y"]))) {
        Recall::InDoubt(doubt) => doubt,
        other => panic!("{other:?}"),
    };
    assert_eq!(doubt.at(), Time(1002));
    let again = order(TREE, TREE, 2, ask(&["x", "y"]));
    let (_, open) = journal.intend(hold(again), Some(doubt)).await.unwrap();
    journal.answer(open, &YES, Time(3000), Cost::default()).unwrap();
    assert!(matches!(journal.recall(&order(TREE, TREE, 3, line("b"))), Recall::New));
    let records = journal.read(TREE, 0).await.unwrap();
    assert_eq!(kinds(&records)[5..], ["intended", "answered"]);
    match &records[6].1 {
        Some(Event::Answered(answered)) => assert_eq!(answered.digest, ask(&["x", "y"]).digest()),
        other => panic!("{other:?}"),
    }
}

async fn a_tree_that_is_taken_over_refuses_its_old_owner(place: &dyn Place) {
    let (old, new) = (place.open(), place.open());
    assert_eq!(old.new_tree(TREE).await, 1);
    old.new_tree(OTHER).await;
    old.call(TREE, TREE, 0, ask(&["a"])).await.unwrap();
    let (_, open) = old.intend(hold(order(TREE, TREE, 1, ask(&["b"]))), None).await.unwrap();
    let before = old.write(TREE, Time(5), said("before"));
    old.flush(before).await.unwrap();

    assert_eq!(new.claim(TREE).await, Ok(2));
    let taken = Refused::Taken { tree: TREE, mine: 1, now: 2 };
    // The old owner has only been asleep: its answer is queued, and refused when it would be written.
    old.answer(open, &YES, Time(6), Cost::default()).unwrap();
    assert_eq!(old.call(TREE, TREE, 2, ask(&["c"])).await, Err(taken.clone()));
    // From then on it is told at once, for what rides as well.
    assert_eq!(old.call(TREE, TREE, 3, line("d")).await, Err(taken.clone()));
    let late = old.write(TREE, Time(7), said("late"));
    assert_eq!(old.flush(late).await, Err(taken));
    assert_eq!(old.flush(before).await, Ok(()));
    assert!(old.take(TREE).await.is_err());
    // Its other tree is none of the new owner's business.
    old.call(OTHER, OTHER, 0, ask(&["a"])).await.unwrap();

    let records = new.resume(TREE).await.unwrap();
    assert_eq!(kinds(&records), ["began", "intended", "answered", "intended", "remarked"]);
    new.call(TREE, TREE, 2, ask(&["c"])).await.unwrap();
    assert_eq!(new.verify(TREE).await, Ok(7));
    let epochs: Vec<u64> = new.read(TREE, 4).await.unwrap().iter().map(|(header, _)| header.epoch).collect();
    assert_eq!(epochs, [1, 2, 2]);
}

/// Each takes the tree over from the others again and again, and writes until it is refused. All they were told is on record, in one
/// chain, and no life writes after a later one has begun.
async fn owners_that_fight_over_a_tree_leave_one_chain(place: &dyn Place) {
    let first = place.open();
    first.new_tree(TREE).await;
    let owners = (0..3).map(|_| async {
        let journal = place.open();
        let mut told = 0;
        for _ in 0..6 {
            journal.claim(TREE).await.unwrap();
            if journal.resume(TREE).await.is_err() {
                continue;
            }
            for n in 0..40 {
                let ticket = journal.write(TREE, Time(n), said("mine"));
                match journal.flush(ticket).await {
                    Ok(()) => told += 1,
                    Err(_) => break,
                }
            }
        }
        told
    });
    let told: u64 = futures::future::join_all(owners).await.into_iter().sum();
    assert_eq!(first.verify(TREE).await, Ok(1 + told));
    let epochs: Vec<u64> = first.read(TREE, 0).await.unwrap().iter().map(|(header, _)| header.epoch).collect();
    assert!(epochs.is_sorted(), "{epochs:?}");
    assert_eq!(first.claim(TREE).await, Ok(1 + 18 + 1));
}

/// Also an intent that is not written again, because it is on record from an earlier life, is the owner's alone to act on.
async fn an_old_owner_that_goes_on_where_the_new_one_stands_is_refused(place: &dyn Place) {
    let first = place.open();
    first.new_tree(TREE).await;
    drop(first.intend(hold(order(TREE, TREE, 0, ask(&["a"]))), None).await.unwrap());
    let (asleep, awake) = (place.open(), place.open());
    asleep.claim(TREE).await.unwrap();
    asleep.resume(TREE).await.unwrap();
    awake.claim(TREE).await.unwrap();
    awake.resume(TREE).await.unwrap();
    for (journal, allowed) in [(&asleep, false), (&awake, true)] {
        let Recall::InDoubt(doubt) = journal.recall(&order(TREE, TREE, 0, ask(&["a"]))) else { panic!("not in doubt") };
        let intent = journal.intend(hold(order(TREE, TREE, 0, ask(&["a"]))), Some(doubt)).await;
        assert_eq!(intent.is_ok(), allowed);
    }
}

async fn what_rides_is_on_record_with_anyones_next_intent(place: &dyn Place) {
    let (journal, reader) = (place.open(), place.open());
    journal.new_tree(TREE).await;
    journal.begin(CHILD, TREE);
    for seq in 0..3 {
        journal.call(TREE, TREE, seq, line("rides")).await.unwrap();
    }
    drop(journal.intend(hold(order(CHILD, TREE, 0, ask(&["a"]))), None).await.unwrap());
    assert_eq!(reader.read_tree(TREE, 0).await.unwrap().len(), 1 + 6 + 1);
}

async fn what_nobody_waits_for_is_written_all_the_same(place: &dyn Place) {
    let (journal, reader) = (place.open(), place.open());
    journal.new_tree(TREE).await;
    journal.call(TREE, TREE, 0, line("rides")).await.unwrap();
    let written = async {
        while reader.read_tree(TREE, 0).await.unwrap().len() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), written).await.unwrap();
}

async fn an_inbox_is_in_order_and_given_once(place: &dyn Place) {
    let (owner, other) = (place.open(), place.open());
    owner.new_tree(TREE).await;
    owner.new_tree(OTHER).await;
    for (tree, body) in [(TREE, "a"), (OTHER, "x"), (TREE, "b")] {
        other.put(tree, body.into(), "somebody".into(), Time(3)).await.unwrap();
    }
    let bodies = |inbox: &[Inbox]| inbox.iter().map(|letter| letter.body.clone()).collect::<Vec<_>>();
    let taken = owner.take(TREE).await.unwrap();
    assert_eq!(bodies(&taken), ["a", "b"]);
    assert_eq!((taken[0].by.as_str(), taken[0].at), ("somebody", Time(3)));
    assert_eq!(owner.take(TREE).await.unwrap(), []);
    other.put(TREE, "c".into(), "somebody".into(), Time(4)).await.unwrap();
    assert_eq!(bodies(&owner.take(TREE).await.unwrap()), ["c"]);
    owner.flush(owner.done(TREE, taken[0].id, None)).await.unwrap();
    // Whoever did not claim the tree gets nothing of it.
    assert_eq!(other.take(TREE).await, Err(Refused::NotOwned { tree: TREE }));
    // The next life is given what this one did not finish.
    other.claim(TREE).await.unwrap();
    assert_eq!(bodies(&other.take(TREE).await.unwrap()), ["b", "c"]);
    // Whoever only looks sees what is not done, given or not, of all trees.
    let seen = place.open().inboxes().await.unwrap();
    let seen: Vec<_> = seen.iter().map(|(tree, letter)| (*tree, letter.body.as_str())).collect();
    assert_eq!(seen, [(OTHER, "x"), (TREE, "b"), (TREE, "c")]);
}

async fn a_command_is_done_with_what_came_of_it(place: &dyn Place) {
    let owner = place.open();
    owner.new_tree(TREE).await;
    let id = owner.put(TREE, "a".into(), "somebody".into(), Time(3)).await.unwrap();
    owner.take(TREE).await.unwrap();
    let done = owner.done(TREE, id, Some((TREE, Time(4), said("a"))));
    owner.flush(done).await.unwrap();
    let next = place.open();
    next.claim(TREE).await.unwrap();
    assert_eq!(next.take(TREE).await.unwrap(), []);
    assert_eq!(kinds(&next.resume(TREE).await.unwrap()), ["began", "remarked"]);
    // An owner of before can take nothing out any more.
    let id = next.put(TREE, "b".into(), "somebody".into(), Time(3)).await.unwrap();
    assert!(owner.flush(owner.done(TREE, id, None)).await.is_err());
    assert_eq!(next.take(TREE).await.unwrap().len(), 1);
}

async fn an_erased_payload_leaves_the_chain(place: &dyn Place) {
    let journal = place.open();
    journal.new_tree(TREE).await;
    let ticket = journal.write(TREE, Time(2), said("the launch code"));
    journal.flush(ticket).await.unwrap();
    assert_eq!(journal.erase(TREE, 1).await, Ok(true));
    assert_eq!(journal.erase(TREE, 7).await, Ok(false));
    let records = journal.read(TREE, 1).await.unwrap();
    assert_eq!((records[0].0.kind.as_str(), &records[0].1), ("remarked", &None));
    assert_eq!(journal.verify(TREE).await, Ok(2));
    journal.call(TREE, TREE, 0, ask(&["a"])).await.unwrap();
    assert_eq!(journal.verify(TREE).await, Ok(4));
}

async fn nobody_writes_what_is_not_theirs(place: &dyn Place) {
    let journal = place.open();
    let not_owned = |tree| Err(Refused::NotOwned { tree });
    let ticket = journal.write(TREE, Time(1), said("no tree"));
    assert_eq!(journal.flush(ticket).await, not_owned(TREE));
    journal.begin(TREE, TREE);
    let ticket = journal.write(TREE, Time(1), said("not claimed"));
    assert_eq!(journal.flush(ticket).await, not_owned(TREE));
    journal.new_tree(OTHER).await;
    assert_eq!(journal.call(CHILD, OTHER, 0, ask(&["never begun"])).await, not_owned(OTHER));
    drop(journal);
    // A run that is there cannot begin again.
    let journal = place.open();
    journal.new_tree(TREE).await;
    drop(journal);
    let journal = place.open();
    journal.claim(TREE).await.unwrap();
    journal.begin(TREE, TREE);
    let ticket = journal.write(TREE, Time(1), said("once more"));
    assert_eq!(journal.flush(ticket).await, not_owned(TREE));
    assert_eq!(journal.verify(TREE).await, Ok(1));
}

async fn trees_and_runs_tell_how_they_stand(place: &dyn Place) {
    let journal = place.open();
    journal.new_tree(TREE).await;
    journal.begin(CHILD, TREE);
    let ticket = journal.write(CHILD, Time(2), said("hello"));
    journal.flush(ticket).await.unwrap();
    let ticket = journal.write(TREE, Time(3), Event::Stopped { why: "a test".into() });
    journal.flush(ticket).await.unwrap();
    journal.new_tree(OTHER).await;
    let trees = journal.trees().await.unwrap();
    let seen: Vec<_> = trees.iter().map(|tree| (tree.first.run, tree.epoch, tree.first.records)).collect();
    assert_eq!(seen, [(TREE, 1, 2), (OTHER, 1, 1)]);
    let runs = journal.runs(TREE).await.unwrap();
    assert_eq!(runs.iter().map(|run| (run.run, run.tree)).collect::<Vec<_>>(), [(TREE, TREE), (CHILD, TREE)]);
    assert!(matches!(&runs[0].last, Some((header, Some(Event::Stopped { .. }))) if header.at == Time(3)));
    assert!(runs[1].last.is_none());
    assert!(journal.runs(CHILD).await.is_err());
}

/// Whether the first run is over by its last records; and that so few of them say so.
async fn an_end_is_found_behind_what_people_did_with_it(place: &dyn Place) {
    let journal = place.open();
    journal.new_tree(TREE).await;
    journal.begin(CHILD, TREE);
    let (onto, by, commit) = ("refs/heads/main".to_owned(), "me".to_owned(), Oid([7; 20]));
    let accepted = || Event::Accepted { onto: onto.clone(), old: commit, new: commit, by: by.clone(), staged: None };
    let ended = || {
        let end = End::Cancelled("a test".into());
        Event::Ended(Box::new(Ended {
            end,
            commit,
            tree: commit,
            calls: 0,
            verdict: None,
            doubtful: false,
            unjudged: None,
            uncommitted: false,
        }))
    };
    let events = [
        (Event::Stopped { why: "a test".into() }, false),
        (Event::Resumed { host: "0.1.0".into() }, false),
        // Also what was cut off can be taken.
        (accepted(), false),
        (ended(), true),
        (accepted(), true),
        (Event::Unaccepted { onto: onto.clone(), new: commit, by: by.clone() }, true),
        (began(0), false),
        (ended(), true),
    ];
    for (at, (event, over)) in events.into_iter().enumerate() {
        // Others write in between.
        journal.flush(journal.write(CHILD, Time(50), said("hello"))).await.unwrap();
        let ticket = journal.write(TREE, Time(100 + at as u64), event.clone());
        journal.flush(ticket).await.unwrap();
        let row = journal.trees().await.unwrap().remove(0).first;
        let end = journal.end(&row).await.unwrap();
        assert_eq!(end.is_some(), over, "after {event:?}");
    }
    assert!(journal.end(&journal.runs(TREE).await.unwrap()[1]).await.unwrap().is_none());
}

/// Random agents in random order: the journal has what each did, in its order, and the whole in the order of the queue.
async fn agents_in_any_order_are_each_in_order(place: &dyn Place) {
    let mut random = Random(7);
    let mut journal = place.open();
    journal.new_tree(TREE).await;
    let runs: Vec<RunId> = (0..8).map(|n| RunId([100 + n; 16])).collect();
    let mut expected: Vec<(RunId, u64)> = vec![(TREE, 1)];
    for run in &runs {
        journal.begin(*run, TREE);
    }
    let mut seqs = [0; 8];
    for step in 0..600 {
        let which = random.below(8);
        let run = runs[which];
        let (seq, at) = (seqs[which], 10 + step);
        match random.below(6) {
            0 => drop(journal.write(run, Time(at), said("remark"))),
            1 | 2 => {
                let call = if random.below(2) == 0 { ask(&["q"]) } else { line("q") };
                let order = Order::new(CallId { run, seq }, site(run, TREE), call, Facts::default(), Time(at));
                let (_, open) = journal.intend(hold(order), None).await.unwrap();
                assert!(journal.answer(open, &YES, Time(at), Cost::default()).unwrap().is_some());
                seqs[which] += 1;
                expected.push((run, at));
            }
            3 if step % 50 == 0 => {
                // The process ends and another goes on.
                drop(journal);
                journal = place.open();
                journal.claim(TREE).await.unwrap();
                let records = journal.resume(TREE).await.unwrap();
                assert_eq!(records.iter().map(|(h, _)| (h.run, h.at.0)).collect::<Vec<_>>(), expected);
                for run in runs.iter().filter(|run| !expected.iter().any(|(seen, _)| seen == *run)) {
                    journal.begin(*run, TREE);
                }
                continue;
            }
            _ => {
                let ticket = journal.write(run, Time(at), said("flushed"));
                journal.flush(ticket).await.unwrap();
            }
        }
        expected.push((run, at));
    }
    drop(journal);
    let reader = place.open();
    let rows = reader.read_tree(TREE, 0).await.unwrap();
    assert_eq!(rows.iter().map(|row| (row.header.run, row.header.at.0)).collect::<Vec<_>>(), expected);
    assert_eq!(reader.verify(TREE).await, Ok(expected.len() as u64));
}
