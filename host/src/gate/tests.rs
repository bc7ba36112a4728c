//! The gate with a desk that notes what it is asked: the order of the steps, and what each refusal keeps from happening.

use orchestra_pit_core::budget::{Caps, Cost};
use orchestra_pit_core::call::{Call, CallId, Facts, Site, Value, clock::Sleep, human, vcs};
use orchestra_pit_core::path::RepoPath;
use orchestra_pit_core::policy::Reach;

use super::*;

const RUN: RunId = RunId([7; 16]);

/// What people and effects do, and what happened, in order.
struct Noting {
    journal: Journal,
    yes: bool,
    again: Mutex<bool>,
    happened: Mutex<Vec<String>>,
    freed: tokio::sync::Notify,
}

impl Noting {
    fn note(&self, what: impl Into<String>) {
        lock(&self.happened).push(what.into());
    }
}

impl Desk for Arc<Noting> {
    fn price(&self, _: &Order) -> Price {
        let call = Cost { calls: 1, tokens: 10, ..Cost::default() };
        Price::Spend(Quote { least: call, most: call })
    }

    async fn ask(&self, question: &Question) -> Result<Result<Approval, Error>, Stopped> {
        self.note(format!("ask {}", question.reasons()[0].rule));
        let reach = Reach::Call(question.order().digest());
        let approval = Approval { reach, by: "person".into(), at: Time(1), expires: None };
        Ok(if self.yes { Ok(approval) } else { Err(Error::denied("protected-paths", "no")) })
    }

    async fn start(&self, intent: Intent, open: Open) -> Passage {
        self.note(format!("effect {}", intent.order().call().name()));
        let answer = Ok(Value::Done);
        let _charge = self.journal.answer(open, &answer, Time(2), Cost::default())?;
        Ok((answer, Time(2)))
    }

    async fn in_doubt(&self, _: &Order, doubt: InDoubt) -> Result<Result<InDoubt, Error>, Stopped> {
        self.note("doubt");
        Ok(if *lock(&self.again) { Ok(doubt) } else { Err(Error::new(ErrorKind::Interrupted, "nobody knows")) })
    }

    fn refuse(&self, _: Order, said: Option<Said>, error: Error) -> Passage {
        self.note(format!("refuse {} {}", error.kind.word(), said.is_some()));
        Ok((Err(error), Time(3)))
    }

    fn recall(&self, answer: Answer) -> Result<Answer, Stopped> {
        self.note("recall");
        Ok(answer)
    }

    fn freed(&self) -> impl Future<Output = ()> + Send {
        self.freed.notified()
    }
}

async fn gate(grants: Grants, tokens: u64, yes: bool) -> (Gate<Arc<Noting>>, Arc<Noting>) {
    let journal = Journal::memory();
    journal.claim(RUN).await.unwrap();
    journal.begin(RUN, RUN);
    let desk = Arc::new(Noting {
        journal: journal.clone(),
        yes,
        again: Mutex::new(true),
        happened: Mutex::default(),
        freed: tokio::sync::Notify::new(),
    });
    let mut ledger = Ledger::default();
    ledger.open(RUN, Caps { tokens: Some(tokens), ..Caps::default() }, Time(0));
    let gate = Gate {
        journal,
        ledger: Arc::new(Mutex::new(ledger)),
        rules: Arc::default(),
        grants: Arc::new(grants),
        approvals: Mutex::default(),
        desk: desk.clone(),
    };
    (gate, desk)
}

fn order(seq: u64, call: Call, protected: &[&str]) -> Order {
    let site = Site {
        run: RUN,
        tree: RUN,
        parent: None,
        agent: Hash::NONE,
        agent_name: "a@1".into(),
        branch: "b".into(),
        model: None,
    };
    let protected = protected.iter().filter_map(|path| RepoPath::new(path).ok()).collect();
    Order::new(CallId { run: RUN, seq }, site, call, Facts { protected, ..Facts::default() }, Time(seq))
}

fn wait() -> Call {
    Call::Clock(Sleep { until: Time(9) })
}

fn commit() -> Call {
    Call::Vcs(vcs::Call::Commit { message: "x".into() })
}

async fn pass(gate: &Gate<Arc<Noting>>, desk: &Noting, order: Order) -> (bool, Vec<String>) {
    let allowed = gate.pass(order).await.unwrap().0.is_ok();
    (allowed, std::mem::take(&mut *lock(&desk.happened)))
}

#[tokio::test]
async fn an_allowed_call_is_on_record_before_its_effect_and_answered_after() {
    let (gate, desk) = gate(Grants::default(), 100, true).await;
    assert_eq!(pass(&gate, &desk, order(0, wait(), &[])).await, (true, vec!["effect clock.sleep".into()]));
    let kinds: Vec<String> =
        gate.journal.read_tree(RUN, 0).await.unwrap().into_iter().map(|row| row.header.kind).collect();
    assert_eq!(kinds, ["intended", "answered"]);
}

/// Refuses: any denied
#[tokio::test]
async fn a_denied_call_has_no_effect_and_costs_nothing() {
    let (gate, desk) = gate(Grants::default(), 100, true).await;
    let notify = Call::Human(human::Call::Notify { text: "x".into() });
    assert_eq!(pass(&gate, &desk, order(0, notify, &[])).await, (false, vec!["refuse denied true".into()]));
    assert_eq!(lock(&gate.ledger).balance(RUN).held, Cost::default());
}

#[tokio::test]
async fn a_yes_is_judged_again_and_a_no_is_the_end() {
    for (yes, last) in [(true, "effect vcs.commit"), (false, "refuse denied false")] {
        let (gate, desk) = gate(Grants { commit: true, ..Grants::default() }, 100, yes).await;
        let expected = (yes, vec!["ask protected-paths".to_owned(), last.to_owned()]);
        assert_eq!(pass(&gate, &desk, order(0, commit(), &["AGENTS.md"])).await, expected);
        // The control: without a protected path nobody is asked.
        assert_eq!(pass(&gate, &desk, order(1, commit(), &[])).await, (true, vec!["effect vcs.commit".to_owned()]));
    }
}

/// Refuses: any exhausted
#[tokio::test]
async fn what_the_budget_does_not_cover_has_no_effect() {
    let (gate, desk) = gate(Grants::default(), 9, true).await;
    assert_eq!(pass(&gate, &desk, order(0, wait(), &[])).await, (false, vec!["refuse exhausted true".into()]));
}

/// Refuses: any invalid, any denied
#[tokio::test]
async fn what_makes_no_sense_is_refused_as_what_it_is() {
    let (gate, desk) = gate(Grants::default(), 100, true).await;
    let malformed = |error| Call::Malformed { function: "workspace.read".into(), error };
    let order_0 = order(0, malformed(Error::new(ErrorKind::Invalid, "lines end before they begin")), &[]);
    assert_eq!(pass(&gate, &desk, order_0).await, (false, vec!["refuse invalid true".into()]));
    let outside = order(1, malformed(Error::denied("outside-workspace", "no")), &[]);
    assert_eq!(pass(&gate, &desk, outside).await, (false, vec!["refuse denied true".into()]));
}

/// Refuses: any interrupted
#[tokio::test]
async fn a_call_left_in_doubt_is_done_again_only_if_the_desk_says_so() {
    for (again, last) in
        [(true, vec!["doubt", "effect clock.sleep"]), (false, vec!["doubt", "refuse interrupted false"])]
    {
        let (gate, desk) = gate(Grants::default(), 100, true).await;
        *lock(&desk.again) = again;
        // A life that ended between the intent and the answer.
        let Ruling::Allow(permit) = judge(order(0, wait(), &[]), &gate.rules, &gate.grants, &[]) else { panic!() };
        let call = Cost { calls: 1, ..Cost::default() };
        let hold = lock(&gate.ledger).hold(permit, Quote { least: call, most: call });
        let (_intent, _open) = gate.journal.intend(hold.unwrap(), None).await.unwrap();
        gate.journal.resume(RUN).await.unwrap();
        let (done, happened) = pass(&gate, &desk, order(0, wait(), &[])).await;
        assert_eq!((done, happened), (again, last.into_iter().map(String::from).collect::<Vec<_>>()));
    }
}
