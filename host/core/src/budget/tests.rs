//! The ledger: what is held, lowered, waited for, refused, carved, given back and kept.

use super::*;
use crate::call::{Call, CallId, Facts, Site, clock::Sleep};
use crate::id::Hash;
use crate::policy::{Grants, Rules, Ruling, judge};

const A: RunId = RunId([1; 16]);
const B: RunId = RunId([2; 16]);
const C: RunId = RunId([3; 16]);

/// A permit for any call of a run, by the only way there is.
fn permit(run: RunId, at: u64) -> Permit {
    let site = Site {
        run,
        tree: A,
        parent: None,
        agent: Hash::NONE,
        agent_name: String::new(),
        branch: String::new(),
        model: None,
    };
    let call = Call::Clock(Sleep { until: Time(0) });
    let order = Order::new(CallId { run, seq: 0 }, site, call, Facts::default(), Time(at));
    match judge(order, &Rules::default(), &Grants::default(), &[]) {
        Ruling::Allow(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn tokens(tokens: u64) -> Cost {
    Cost { tokens, ..Cost::default() }
}

fn quote(least: u64, most: u64) -> Quote {
    Quote { least: tokens(least), most: tokens(most) }
}

fn ledger(cap: u64) -> Ledger {
    let mut ledger = Ledger::default();
    ledger.open(A, Caps { tokens: Some(cap), ..Caps::default() }, Time(0));
    ledger
}

fn held(hold: &Hold) -> u64 {
    match hold.line() {
        Line::Spend(cost) => cost.tokens,
        Line::Carve(..) => panic!("a carve"),
    }
}

fn settle(ledger: &mut Ledger, hold: Hold, real: u64) {
    let (.., charge) = hold.split();
    ledger.settle(charge.unwrap(), tokens(real));
}

#[test]
fn a_hold_is_lowered_before_it_is_refused() {
    let mut ledger = ledger(100);
    let first = ledger.hold(permit(A, 0), quote(10, 80)).unwrap();
    assert_eq!(held(&first), 80);
    settle(&mut ledger, first, 75);
    let second = ledger.hold(permit(A, 0), quote(10, 80)).unwrap();
    assert_eq!(held(&second), 25);
    settle(&mut ledger, second, 20);
    match ledger.hold(permit(A, 0), quote(10, 80)) {
        Err(Short::Exhausted(_, short)) => {
            assert_eq!((short.item, short.cap, short.spent), (Item::Tokens, 100, 95));
            assert_eq!(short.message(), "95 of 100 tokens are spent");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_only_siblings_hold_is_waited_for() {
    let mut ledger = ledger(100);
    ledger.open_child(A, B, Caps::default(), Time(0));
    ledger.open_child(A, C, Caps::default(), Time(0));
    let first = ledger.hold(permit(B, 0), quote(10, 95)).unwrap();
    let Err(Short::Wait(again)) = ledger.hold(permit(C, 0), quote(10, 50)) else { panic!("not waiting") };
    settle(&mut ledger, first, 40);
    let second = ledger.hold(*again, quote(10, 50)).unwrap();
    assert_eq!(held(&second), 50);
}

#[test]
fn a_charge_that_is_dropped_stays_charged() {
    let mut ledger = ledger(100);
    drop(ledger.hold(permit(A, 0), quote(10, 80)).unwrap().split());
    assert_eq!(ledger.balance(A).held.tokens, 80);
}

#[test]
fn a_share_is_the_childs_own_and_the_rest_comes_back() {
    let mut ledger = ledger(100);
    let share = Share { tokens: 60, ..Share::default() };
    let hold = ledger.carve(permit(A, 0), B, &share).unwrap();
    let Line::Carve(child, caps) = hold.line() else { panic!("no carve") };
    assert!(hold.split().4.is_none());
    ledger.open_child(A, child, caps, Time(0));
    assert_eq!(ledger.balance(A).held.tokens, 60);
    let spent = ledger.hold(permit(B, 0), quote(1, 90)).unwrap();
    assert_eq!(held(&spent), 60);
    settle(&mut ledger, spent, 20);
    // The parent sees the share held, not what the child spends of it.
    assert_eq!((ledger.balance(A).held.tokens, ledger.balance(A).spent.tokens), (60, 0));
    ledger.end(B, Time(0));
    ledger.end(B, Time(0));
    assert_eq!((ledger.balance(A).held.tokens, ledger.balance(A).spent.tokens), (0, 20));
}

#[test]
fn a_carve_is_given_back_when_the_child_does_not_start() {
    let mut ledger = ledger(100);
    let hold = ledger.carve(permit(A, 0), B, &Share { tokens: 60, ..Share::default() }).unwrap();
    let Line::Carve(_, caps) = hold.line() else { panic!("no carve") };
    ledger.give_back(A, caps);
    assert_eq!((ledger.balance(A).held.tokens, ledger.balance(A).spent.tokens), (0, 0));
}

#[test]
fn an_intent_that_is_carried_out_again_does_not_stand_in_its_own_way() {
    let mut ledger = ledger(100);
    let before = ledger.balance(A);
    let spent = Line::Spend(ledger_cost(100));
    let share = Share { tokens: 60, ..Share::default() };
    let carved = ledger.clone().carve(permit(A, 0), B, &share).unwrap().line();
    for line in [spent, carved] {
        ledger.recall_hold(A, line);
        assert_ne!(ledger.balance(A), before);
        ledger.take_back(A, line);
        assert_eq!(ledger.balance(A), before);
    }
}

fn ledger_cost(tokens: u64) -> Cost {
    Cost { tokens, turns: 1, calls: 1, ..Cost::default() }
}

#[test]
fn a_share_over_what_is_left_is_refused() {
    let mut ledger = ledger(100);
    let share = Share { tokens: 101, ..Share::default() };
    assert!(matches!(ledger.carve(permit(A, 0), B, &share), Err(Short::Exhausted(..))));
}

#[test]
fn without_a_share_the_parents_limit_holds_for_all_below() {
    let mut ledger = ledger(100);
    ledger.open_child(A, B, Caps::default(), Time(0));
    ledger.open_child(B, C, Caps::default(), Time(0));
    let deep = ledger.hold(permit(C, 0), quote(1, 500)).unwrap();
    assert_eq!(held(&deep), 100);
    settle(&mut ledger, deep, 100);
    assert_eq!(ledger.balance(A).spent.tokens, 100);
    assert!(matches!(ledger.hold(permit(A, 0), quote(1, 1)), Err(Short::Exhausted(..))));
}

#[test]
fn turns_are_each_runs_own() {
    let mut ledger = Ledger::default();
    ledger.open(A, Caps { turns: Some(1), ..Caps::default() }, Time(0));
    ledger.open_child(A, B, Caps::default(), Time(0));
    let turn = Cost { turns: 1, ..Cost::default() };
    for run in [A, B] {
        let hold = ledger.hold(permit(run, 0), Quote { least: turn, most: turn }).unwrap();
        let (.., charge) = hold.split();
        ledger.settle(charge.unwrap(), turn);
        let again = ledger.hold(permit(run, 0), Quote { least: turn, most: turn });
        assert!(matches!(again, Err(Short::Exhausted(_, Shortage { item: Item::Turns, .. }))));
    }
}

#[test]
fn time_runs_out_for_all_below_and_can_be_raised() {
    let mut ledger = Ledger::default();
    ledger.open(A, Caps { elapsed: Some(1_000), ..Caps::default() }, Time(0));
    ledger.open_child(A, B, Caps::default(), Time(0));
    assert!(ledger.hold(permit(B, 999), quote(0, 1)).is_ok());
    let late = ledger.hold(permit(B, 1_000), quote(0, 1));
    assert!(matches!(late, Err(Short::Exhausted(_, Shortage { item: Item::Elapsed, account: A, .. }))));
    ledger.raise(A, Caps { elapsed: Some(5_000), ..Caps::default() });
    assert!(ledger.hold(permit(B, 1_000), quote(0, 1)).is_ok());
}

/// What would be short of time at these times, as the time that was spent.
fn late(ledger: &mut Ledger, run: RunId, at: u64) -> Option<u64> {
    match ledger.hold(permit(run, at), quote(0, 1)) {
        Ok(_) => None,
        Err(Short::Exhausted(_, Shortage { item: Item::Elapsed, spent, .. })) => Some(spent),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn time_between_an_end_and_the_next_round_is_nobodys() {
    let mut ledger = Ledger::default();
    ledger.open(A, Caps { elapsed: Some(1_000), ..Caps::default() }, Time(0));
    ledger.begin(A, Time(1));
    ledger.end(A, Time(600));
    ledger.see(Time(40_000));
    assert_eq!((ledger.balance(A).elapsed, late(&mut ledger, A, 50_000)), (600, None));
    ledger.begin(A, Time(90_000));
    ledger.open_child(A, B, Caps { elapsed: Some(300), ..Caps::default() }, Time(90_050));
    assert_eq!(late(&mut ledger, B, 90_349), None);
    assert_eq!(late(&mut ledger, B, 90_350), Some(300), "a child counts from its own start");
    // That the child ends stops nothing: the tree is at work.
    ledger.end(B, Time(90_360));
    assert_eq!((late(&mut ledger, A, 90_399), late(&mut ledger, A, 90_400)), (None, Some(1_000)));
}

#[test]
fn time_between_two_lives_is_nobodys_however_the_first_one_ended() {
    let mut ledger = Ledger::default();
    ledger.open(A, Caps { elapsed: Some(1_000), ..Caps::default() }, Time(10));
    ledger.see(Time(510));
    // As many records as there are runs.
    ledger.resume(Time(90_000));
    ledger.resume(Time(90_001));
    assert_eq!(ledger.balance(A).elapsed, 500);
    // A call that was made in the life before, and is allowed in this one.
    assert_eq!(late(&mut ledger, A, 400), None);
    assert_eq!((late(&mut ledger, A, 90_500), late(&mut ledger, A, 90_501)), (None, Some(1_000)));
    // The machine's clock was set back.
    ledger.see(Time(90_100));
    ledger.resume(Time(200));
    ledger.see(Time(300));
    assert_eq!(ledger.balance(A).elapsed, 500 + 99 + 100);
}

#[test]
fn the_notice_comes_once_at_85_percent() {
    let mut ledger = ledger(100);
    let hold = ledger.hold(permit(A, 0), quote(1, 84)).unwrap();
    settle(&mut ledger, hold, 84);
    assert_eq!(ledger.notice(A), None);
    let hold = ledger.hold(permit(A, 0), quote(1, 1)).unwrap();
    settle(&mut ledger, hold, 1);
    assert_eq!(ledger.notice(A).map(|short| short.spent), Some(85));
    assert_eq!(ledger.notice(A), None);
    ledger.raise(A, Caps { tokens: Some(90), ..Caps::default() });
    assert!(ledger.notice(A).is_some());
}

proptest::proptest! {
    /// Whatever is held and settled, no more than the limit is ever held or spent, and folding the same lines again gives
    /// the same balance.
    #[test]
    fn the_limit_holds_and_the_fold_agrees(steps in proptest::collection::vec((0_u64..50, 0_u64..100, 0_u64..100, 0_u8..2), 0..60)) {
        let caps = Caps { tokens: Some(500), ..Caps::default() };
        let (mut live, mut fold) = (ledger(500), Ledger::default());
        fold.open(A, caps, Time(0));
        live.open_child(A, B, Caps::default(), Time(0));
        fold.open_child(A, B, Caps::default(), Time(0));
        for (least, more, real, who) in steps {
            let run = [A, B][usize::from(who)];
            let Ok(hold) = live.hold(permit(run, 0), quote(least, least + more)) else { continue };
            let Line::Spend(cost) = hold.line() else { panic!("a carve") };
            fold.recall_hold(run, hold.line());
            let (.., charge) = hold.split();
            let real = tokens(real.min(cost.tokens));
            live.settle(charge.unwrap(), real);
            fold.recall_settle(run, cost, real);
            let balance = live.balance(A);
            proptest::prop_assert!(balance.held.tokens + balance.spent.tokens <= 500);
            proptest::prop_assert_eq!(balance, fold.balance(A));
        }
    }
}
