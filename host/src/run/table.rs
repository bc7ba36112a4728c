//! What the gate asks of a run: prices, people, tasks, waiting. One for each life.

use std::sync::Arc;
use std::task::Poll;

use orchestra_pit_core::budget::{Cost, Quote};
use orchestra_pit_core::call::delegate::{self, Ended as ChildEnded};
use orchestra_pit_core::call::exec::{self, Judged};
use orchestra_pit_core::call::human::{self, Decision};
use orchestra_pit_core::call::{Answer, Call, CallId, Error, ErrorKind, More, Order, Redo, Site, Value, model};
use orchestra_pit_core::check::prove::Proof;
use orchestra_pit_core::id::{Hash, RunId};
use orchestra_pit_core::policy::{Approval, Question, Reach, refused_for};
use orchestra_pit_core::record::{Answered, Asked, Event, Intended, Ruled, Said, Started};
use orchestra_pit_core::time::Time;

use super::clock::now;
use super::desk::{Heard, Waits};
use super::events::Live;
use super::tree::Tree;
use crate::effect::{ONE_CALL, Performed, Wake, child_of};
use crate::gate::{Desk, Passage, Price, Stopped, lock};
use crate::journal::{InDoubt, Intent, Open};

/// The desk of one run's gate.
pub(super) struct Table {
    pub tree: Arc<Tree>,
    pub run: RunId,
    pub site: Arc<Site>,
}

impl Desk for Table {
    fn price(&self, order: &Order) -> Price {
        match order.call() {
            Call::Delegate(delegate::Call::Start(start)) => Price::Carve(child_of(order.id()), start.share),
            Call::Model(model::Call::Ask(request)) => Price::Spend(self.tree.quote(self.run, request)),
            _ => Price::Spend(Quote { least: ONE_CALL, most: ONE_CALL }),
        }
    }

    async fn ask(&self, question: &Question) -> Result<Result<Approval, Error>, Stopped> {
        let order = question.order();
        let rule = question.reasons().first().map_or_else(String::new, |reason| reason.rule.clone());
        let wanted = question.reasons().first().map_or_else(String::new, |reason| reason.message.clone());
        let asks = |started: &Started| started.attended && !started.plan_only;
        if !self.tree.look(|state| state.runs.get(&self.run).is_some_and(|run| asks(&run.started))) {
            // Nobody is asked, and whoever looks at the run later must see what it was kept from.
            let (reasons, paths) = (question.reasons().to_vec(), refused_for(order, question.reasons()));
            let said = Said::Denied { call: order.call().clone(), reasons, paths };
            self.tree.note(self.run, Event::Ruled(Box::new(Ruled { seq: order.id().seq, ruling: said })));
            return Ok(Err(Error::denied(rule, format!("{wanted}, and the run was started without one"))));
        }
        self.put(question).await?;
        let heard = self.tree.questions.open(order.id(), Waits::Permission).await;
        let (said, answer) = match heard {
            Ok(Heard::Yes { run, by, .. }) => {
                let reach = if run { Reach::run(question) } else { Reach::Call(order.digest()) };
                let approval = Approval { reach, by, at: now(), expires: None };
                (Said::Approved(approval.clone()), Ok(approval))
            }
            Ok(Heard::No { why, by }) => {
                let message = if why.is_empty() { format!("{by} said no") } else { format!("{by} said no: {why}") };
                (Said::Rejected { by, why }, Err(Error::denied(rule, message)))
            }
            Ok(Heard::Words(_)) | Err(_) => return Err(Stopped::Told("nobody is at the desk any more".into())),
        };
        let ticket = self.tree.write(self.run, Event::Ruled(Box::new(Ruled { seq: order.id().seq, ruling: said })));
        self.tree.host.journal.flush(ticket).await?;
        Ok(answer)
    }

    async fn start(&self, intent: Intent, open: Open) -> Passage {
        let order = intent.order();
        let id = order.id();
        lock(&self.tree.state).intended(self.run, now(), id.seq, order.call(), order.at(), intent.line());
        if worth_a_line(order.call()) {
            let (call, facts, at) = (order.call().clone(), order.facts().clone(), order.at());
            let (rule, line) = (String::new(), intent.line());
            let intended = Intended { seq: id.seq, call, facts, at, rule, line, prefix: None };
            self.tree.show(self.run, at, || Event::Intended(Box::new(intended)));
        }
        let asks_a_model = matches!(order.call(), Call::Model(model::Call::Ask(_)));
        if asks_a_model {
            self.tree.judge_base();
        }
        let duty = Duty { tree: self.tree.clone(), id, open: Some(open) };
        let mut work = Box::pin(carry_out(self.tree.clone(), intent, duty));
        // Most effects have their answer at once: a task for each would cost more than they do. A model never has its, and what
        // it takes to write and send a request would stay behind on the stack of a guest that then waits for a long time.
        if !asks_a_model && let Poll::Ready(passage) = futures::poll!(&mut work) {
            return passage;
        }
        let task = tokio::spawn(work);
        self.tree.track(self.run, task.abort_handle());
        task.await.unwrap_or_else(|_| Err(Stopped::Told("the effect was dropped".into())))
    }

    async fn in_doubt(&self, order: &Order, doubt: InDoubt) -> Result<Result<InDoubt, Error>, Stopped> {
        Ok(match order.call().redo() {
            Redo::Freely | Redo::WithKey => {
                let line = lock(&self.tree.state).take_back(self.run, order.id().seq);
                if let Some(line) = line {
                    lock(&self.tree.ledger).take_back(self.run, line);
                }
                Ok(doubt)
            }
            Redo::Never => Err(Error::new(
                ErrorKind::Interrupted,
                "pit was stopped in the middle of it: it may have been done or not",
            )),
        })
    }

    fn refuse(&self, order: Order, said: Option<Said>, error: Error) -> Passage {
        let seq = order.id().seq;
        if let Some(ruling) = said {
            self.tree.note(self.run, Event::Ruled(Box::new(Ruled { seq, ruling })));
        }
        let answered =
            Answered { seq, digest: order.call().digest(), answer: Err(error.clone()), cost: Cost::default() };
        self.tree.note(self.run, Event::Answered(Box::new(answered)));
        Ok((Err(error), now()))
    }

    fn recall(&self, answer: Answer) -> Result<Answer, Stopped> {
        let Ok(mut value) = answer else { return Ok(answer) };
        self.tree.host.effects.workspaces.fill(&self.site, &mut value).map_err(|why| Stopped::Told(why.message))?;
        Ok(Ok(value))
    }

    fn freed(&self) -> impl Future<Output = ()> + Send {
        self.tree.freed.notified()
    }
}

impl Table {
    /// Puts a question on record, unless an earlier life has.
    async fn put(&self, question: &Question) -> Result<(), Stopped> {
        let order = question.order();
        let seq = order.id().seq;
        let asked = self.tree.look(|state| {
            let open = state.runs.get(&self.run).and_then(|run| run.open.as_ref());
            open.is_some_and(|open| open.seq == seq && open.asked.is_some())
        });
        if asked {
            return Ok(());
        }
        let (call, facts, reasons) = (order.call().clone(), order.facts().clone(), question.reasons().to_vec());
        let asked = Asked { seq, call, facts, at: order.at(), reasons };
        let ticket = self.tree.write(self.run, Event::Asked(Box::new(asked)));
        Ok(self.tree.host.journal.flush(ticket).await?)
    }
}

/// Carries an effect out and answers the call. Runs in a task that belongs to the run, not to the guest that waits.
async fn carry_out(tree: Arc<Tree>, intent: Intent, duty: Duty) -> Passage {
    let (run, id, began) = (duty.id.run, duty.id, now());
    let tell = |delta| tree.tell(Live::Delta { run, delta });
    let performed = tree.host.effects.perform(intent, &tree, &tell).await;
    let (answer, cost) = match performed {
        Performed::Now(answer, cost) => (answer, Cost { work: now().since(began), ..cost }),
        Performed::Later(wake) => (tree.wake(id, wake).await?, ONE_CALL),
    };
    duty.answer(answer, cost)
}

/// The duty to answer a call. Dropped without an answer, the call is answered as cancelled, unless this whole life of the tree
/// ends: then it stays in doubt, and the next life decides.
struct Duty {
    tree: Arc<Tree>,
    id: CallId,
    open: Option<Open>,
}

impl Duty {
    fn answer(mut self, answer: Answer, cost: Cost) -> Passage {
        match self.open.take() {
            Some(open) => settle(&self.tree, self.id, open, answer, cost),
            None => Err(Stopped::Told("the call was answered already".into())),
        }
    }
}

impl Drop for Duty {
    fn drop(&mut self) {
        self.tree.questions.close(self.id);
        if let Some(open) = self.open.take()
            && !self.tree.stopping()
        {
            let answer = Err(Error::new(ErrorKind::Cancelled, "the run was cancelled"));
            // The run is gone; there is nobody to tell if the journal takes no more.
            let _ = settle(&self.tree, self.id, open, answer, ONE_CALL);
        }
    }
}

/// Queues an answer, then settles what was held: in this order, so that nobody sees what is not on its way to disk.
fn settle(tree: &Tree, id: CallId, open: Open, answer: Answer, cost: Cost) -> Passage {
    let at = now();
    let charge = {
        let mut state = lock(&tree.state);
        let charge = tree.host.journal.answer(open, &answer, at, cost)?;
        state.answered(id.run, at, id.seq, &answer, cost);
        charge
    };
    if let Ok(Value::Vcs(_) | Value::Exec(exec::Value::Verdict(_))) = &answer {
        let answered = Answered { seq: id.seq, digest: Hash::NONE, answer: answer.clone(), cost };
        tree.show(id.run, at, || Event::Answered(Box::new(answered)));
    }
    // Whoever counts along wants to know what it used, and not once more what it said.
    if let Ok(Value::Model(value)) = &answer
        && let model::Value::Reply(reply) = &**value
    {
        tree.show(id.run, at, || {
            let (stop, usage, model) = (reply.stop.clone(), reply.usage, reply.model.clone());
            let reply = model::Reply { parts: Vec::new(), stop, usage, model, more: More::new() };
            let answer = Ok(Value::Model(Box::new(model::Value::Reply(reply))));
            Event::Answered(Box::new(Answered { seq: id.seq, digest: Hash::NONE, answer, cost }))
        });
    }
    let mut ledger = lock(&tree.ledger);
    if let Some(charge) = charge {
        ledger.settle(charge, cost);
    }
    let notice = ledger.notice(tree.id);
    drop(ledger);
    if let Some(shortage) = notice {
        tree.note(tree.id, Event::Noticed(shortage));
    }
    if cost.tokens > 0 || cost.micro_usd > 0 {
        tree.freed.notify_waiters();
    }
    Ok((answer, at))
}

/// What the host found of a result, for whoever waits for it: its verdict in a line, and what each new test proves.
fn of_verdict(judged: &Judged) -> More {
    let mut more = vec![("verdict".to_owned(), judged.verdict.line())];
    let tests = judged.proof.iter().flat_map(Proof::tests);
    let told = tests.map(|(name, proves)| ("proof".to_owned(), format!("{name}: {}", proves.told())));
    more.extend(told.take(PROOFS));
    more
}

/// Tests that are named.
const PROOFS: usize = 20;

/// Whether people who watch without a terminal are told that a call is being made.
fn worth_a_line(call: &Call) -> bool {
    match call {
        Call::Human(call) => !matches!(call, human::Call::Remarks),
        Call::Log(line) => line.level != "debug",
        _ => false,
    }
}

impl Tree {
    /// What a request to a model may cost.
    fn quote(&self, run: RunId, request: &model::Request) -> Quote {
        let alias = if request.model.is_empty() { "default" } else { request.model.as_str() };
        let name = self.look(|state| state.runs.get(&run).and_then(|run| run.started.models.get(alias).cloned()));
        let turn = Cost { turns: 1, ..ONE_CALL };
        name.map_or(Quote { least: turn, most: turn }, |name| {
            crate::effect::price(&self.host.effects.models, &name, request)
        })
    }

    /// Waits until a wake is true.
    async fn wake(&self, id: CallId, wake: Wake) -> Result<Answer, Stopped> {
        match wake {
            Wake::At(until) => {
                sleep_until(until).await;
                Ok(Ok(Value::Done))
            }
            Wake::AnyEnded(children, until) => Ok(Ok(Value::Delegate(self.any_ended(id.run, &children, until).await))),
            Wake::Person(call) => self.person(id, call).await,
        }
    }

    async fn any_ended(&self, run: RunId, children: &[RunId], until: Option<Time>) -> delegate::Value {
        loop {
            let changed = self.changed.notified();
            let happened = self.look(|state| {
                // What was said comes first: it may be about what is to be done with a child that has ended.
                if state.runs.get(&run).is_some_and(|run| run.unheard) {
                    return Some(delegate::Value::Remark);
                }
                children.iter().find_map(|child| {
                    let ended = state.runs.get(child)?.ended()?;
                    let more = state.told(ended.tree).map(of_verdict).unwrap_or_default();
                    let (end, commit) = (ended.end.clone(), ended.commit);
                    let ended = ChildEnded { child: *child, end, commit, more };
                    Some(delegate::Value::Awaited(Some(ended)))
                })
            });
            if let Some(happened) = happened {
                return happened;
            }
            match until {
                None => changed.await,
                Some(until) if now() >= until => return delegate::Value::Awaited(None),
                Some(until) => tokio::select! {
                    () = changed => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    async fn person(&self, id: CallId, call: human::Call) -> Result<Answer, Stopped> {
        let (waits, proposed) = match call {
            human::Call::Propose { body, .. } => (Waits::Decision, body),
            human::Call::Ask { choices, .. } => (Waits::Words(choices), String::new()),
            human::Call::Notify { .. } | human::Call::Remarks => (Waits::Words(Vec::new()), String::new()),
        };
        Ok(Ok(Value::Human(match self.questions.open(id, waits).await {
            Ok(Heard::Words(text)) => human::Value::Text(text),
            Ok(Heard::Yes { body, .. }) => human::Value::Decision(Decision::Approved(body.unwrap_or(proposed))),
            Ok(Heard::No { why, .. }) => human::Value::Decision(Decision::Rejected(why)),
            Err(_) => return Err(Stopped::Told("nobody is at the desk any more".into())),
        })))
    }
}

async fn sleep_until(until: Time) {
    tokio::time::sleep(std::time::Duration::from_micros(until.since(now()))).await;
}
