//! From a goal to a plan that a person has seen: the planner proposes, this program checks, the person decides. No money
//! is spent on the work before that.

use crate::settings::Settings;
use crate::work::Tests;
use kit::plan::{Known, PLAN};
use kit::{Plan, Team};
use orchestra_pit_sdk::delegate::{Awaited, End, Order};
use orchestra_pit_sdk::human::{Decision, Proposal};
use orchestra_pit_sdk::{Error, Failure, Task};

/// Who plans.
const PLANNER: &str = "planner";

/// How often a plan that cannot be carried out goes back.
const MOST_UNUSABLE: u32 = 2;

/// How often a plan that the person does not want is made anew. After the second no the person is better served by saying
/// what is wanted in a new task.
const MOST_REJECTED: u32 = 1;

/// Makes a plan.
pub fn plan(host: &dyn Team, task: &Task, settings: &Settings) -> Result<Plan, Failure> {
    let planner = host.start(&order(task, settings))?;
    let (mut noted, mut unusable, mut rejected) = (0, 0, 0);
    let known = Known { agents: &settings.agents, criteria: &task.criteria };
    loop {
        wait_for(host, &planner)?;
        let plan = match written(host, &mut noted, known) {
            Ok(plan) => plan,
            Err(why) if unusable < MOST_UNUSABLE => {
                unusable += 1;
                host.say(&format!("the plan cannot be carried out and goes back: {}", why.replace('\n', " ")));
                host.again(&planner, &format!("The plan cannot be carried out:\n{why}"))?;
                continue;
            }
            Err(why) => {
                return Err(Failure::new(
                    "no-plan",
                    format!("the planner made no plan that can be carried out: {why}"),
                ));
            }
        };
        match shown(host, plan, known)? {
            Ok(plan) => return Ok(plan),
            Err(why) if rejected < MOST_REJECTED => {
                rejected += 1;
                let why = if why.trim().is_empty() { "no reason was given" } else { why.trim() };
                host.again(&planner, &format!("The person said no to the plan: {why}"))?;
            }
            Err(why) => {
                return Err(Failure::new("rejected", format!("the person said no to the plan twice: {}", why.trim())));
            }
        }
    }
}

fn order(task: &Task, settings: &Settings) -> Order {
    let (criteria, feedback) = (task.criteria.clone(), task.feedback.clone());
    let mut told = vec![("agents".to_owned(), settings.agents.join(","))];
    // Where each task is tested, or none can be, there is nothing to plan about it.
    if settings.tests == Tests::Planned {
        told.push(("tests".to_owned(), "yes".to_owned()));
    }
    let planned = Task { criteria, feedback, settings: told, ..Task::new(task.goal.clone()) };
    Order { share: settings.planners(), ..Order::new(PLANNER, planned) }
}

/// Waits for the planner, and passes on what the person says to it meanwhile.
fn wait_for(host: &dyn Team, planner: &str) -> Result<(), Failure> {
    loop {
        match host.wait(&[planner.to_owned()])? {
            Awaited::Ended(ended) => {
                return match ended.end {
                    End::Done(_) => Ok(()),
                    End::Exhausted(why) => Err(Failure::new("exhausted", format!("no plan was made: {why}"))),
                    End::Failed(failure) => {
                        Err(Failure::new(failure.kind, format!("no plan was made: {}", failure.message)))
                    }
                    End::Cancelled(why) | End::Broken(why) | End::Other((_, why)) => {
                        Err(Failure::new("no-plan", format!("no plan was made: {why}")))
                    }
                };
            }
            Awaited::Time | Awaited::Other(_) => {
                for remark in host.remarks()? {
                    match host.message(planner, &remark.text) {
                        Ok(()) => {}
                        // It has just ended; the person sees its plan, and can say so then.
                        Err(error) if error.is("conflict") => {}
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
    }
}

/// The plan that the planner left since the last look, if it can be carried out.
fn written(host: &dyn Team, noted: &mut u64, known: Known<'_>) -> Result<Plan, String> {
    let mut found = None;
    // The host signs notes: nobody else's plan is taken for the planner's.
    while let Ok(page) = host.notes(PLAN, *noted) {
        let Some(last) = page.last() else { break };
        *noted = last.number;
        let mine = page.iter().rev().find(|note| note.author.split(' ').next() == Some(PLANNER));
        found = mine.map(|note| note.body.clone()).or(found);
    }
    let body = found.ok_or("it left none on the board")?;
    let plan: Plan = serde_json::from_str(&body).map_err(|error| error.to_string())?;
    let faults = plan.faults(known);
    if faults.is_empty() { Ok(plan) } else { Err(format!("- {}", faults.join("\n- "))) }
}

/// Shows the plan to the person: what they made of it, or why not. Where nobody is there it goes on as it is.
fn shown(host: &dyn Team, mut plan: Plan, known: Known<'_>) -> Result<Result<Plan, String>, Error> {
    let mut title = match plan.tasks.len() {
        1 => "a plan of 1 task".to_owned(),
        tasks => format!("a plan of {tasks} tasks"),
    };
    let notes = plan.one_owner();
    let mine = plan.to_toml(known.criteria, &notes);
    let mut body = mine.clone();
    loop {
        let proposal = Proposal { title: title.clone(), body: body.clone(), form: "plan".to_owned(), more: Vec::new() };
        let edited = match host.propose(&proposal) {
            Ok(Decision::Approved(text)) => text,
            Ok(Decision::Rejected(why)) => return Ok(Err(why)),
            Ok(Decision::Other((name, _))) => return Ok(Err(format!("the answer was {name:?}, which is not known"))),
            Err(error) if error.is("unavailable") || error.is("denied") => {
                notes.iter().for_each(|note| host.say(note));
                return Ok(Ok(plan));
            }
            Err(error) => return Err(error),
        };
        if edited == mine {
            return Ok(Ok(plan));
        }
        match read(&edited, known) {
            Ok(plan) => return Ok(Ok(plan)),
            // As the person left it, so that nothing of what was typed is lost; a yes to it as it is changes nothing.
            Err(faults) => {
                title = format!("your plan cannot be carried out: {}", faults.join("; ").replace('\n', " "));
                body = with_complaint(&edited, &faults);
            }
        }
    }
}

/// What a person made of a plan.
fn read(edited: &str, known: Known<'_>) -> Result<Plan, Vec<String>> {
    let mut plan = Plan::from_toml(edited).map_err(|why| vec![why])?;
    // Whoever set the criteria may leave one out, with the task that would have met it.
    let faults = plan.faults(Known { criteria: &[], ..known });
    if !faults.is_empty() {
        return Err(faults);
    }
    plan.one_owner();
    Ok(plan)
}

/// What every complaint begins with, so that the one before can be taken off.
const COMPLAINT: &str = "# ! ";

fn with_complaint(edited: &str, faults: &[String]) -> String {
    let complaint: String =
        faults.iter().flat_map(|fault| fault.lines()).map(|line| format!("{COMPLAINT}{line}\n")).collect();
    let rest: String = edited.split_inclusive('\n').filter(|line| !line.starts_with(COMPLAINT)).collect();
    complaint + &rest
}
