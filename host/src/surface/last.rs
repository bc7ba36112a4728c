//! What a run came to: the last screen, and what a person is shown before taking a result.

use orchestra_pit_core::call::delegate::{Criterion, End};
use orchestra_pit_core::call::exec::Judged;
use orchestra_pit_core::check::prove::{Proof, Proves};
use orchestra_pit_core::check::verdict::{Kind, Names};
use orchestra_pit_core::protected;

use super::words::{came_to, count, how_and_why, line, long, money, raise, several, whole};
use crate::effect::vcs::compare::Compared;
use crate::run::State;
use crate::run::state::{FULL, Phase, Run};

/// Runs of a team whose work is named.
const KEPT: usize = 3;

/// Unanswered questions that are shown.
const UNANSWERED: usize = 5;

/// Characters of a reason that the first line has room for.
const HEAD: usize = 60;

/// Denials that are named one by one.
const DENIED: usize = 20;

/// The last screen, good end or bad: what it came to, what it says of itself, what it was refused, what it cost, how to go
/// on. `changed` is what its branch has that its base has not.
pub fn screen(state: &State, changed: Option<&Compared>) -> Vec<String> {
    let Some(root) = state.root() else { return Vec::new() };
    let name = root.started.site.tree.short();
    let (how, why) = root.ended().map_or(("stopped", ""), |ended| how_and_why(&ended.end));
    // A reason that is too long for the head has a line of its own, and stands there alone.
    let apart = why.chars().count() > HEAD;
    let head = root.ended().filter(|_| !apart).map_or_else(|| how.to_owned(), came_to);
    let mut lines = vec![format!("{name}  {head}        {}", branch(root, changed))];
    if let Some(End::Done(report)) = root.ended().map(|ended| &ended.end) {
        lines.push(format!("  summary    {}", line(&report.summary, 160)));
    }
    if apart {
        lines.push(format!("  why        {}", whole(why, 1000)));
    }
    lines.extend(report(state));
    if root.ended().is_some() {
        lines.extend(result(state));
    }
    lines.extend(changed.map(|changed| machine(&changed.paths)).unwrap_or_default());
    lines.extend(denied(state));
    lines.extend(unanswered(state));
    let left = state.order.iter().filter(|id| state.runs.get(id).is_some_and(|run| left_something(run)));
    let left: Vec<String> = left.map(|id| state.name(*id)).collect();
    if let Some(first) = left.first() {
        let of = left.join(", ");
        lines.push(format!(
            "  kept       files of {of} that were not committed: pit checkout {first} · pit terminal {first}"
        ));
    }
    lines.push(cost(state));
    lines.push(match &root.phase {
        Phase::Ended(end) if matches!(end.end, End::Exhausted(_)) => {
            // Whose limit it was, and which: of the run that was short of it last.
            let short = state.runs.values().filter_map(|run| run.short.map(|short| (run.last.0, short)));
            let raise = short.max_by_key(|(at, _)| *at).and_then(|(_, short)| raise(short.account, &short));
            let raise = raise.unwrap_or_else(|| format!("pit budget {name} --usd N"));
            format!("  next       kept; {raise}, then pit send {name} \"go on\" · pit diff {name}")
        }
        Phase::Ended(_) if root.tip == root.started.base => {
            let kept: String = kept(state).iter().map(|of| format!("pit diff {of} · ")).collect();
            format!("  next       {kept}pit logs {name} · pit send {name} \"…\"")
        }
        Phase::Ended(_) if is_red(state) => {
            format!("  next       pit diff {name} · pit terminal {name} · pit send {name} \"…\"")
        }
        Phase::Ended(_) => {
            // What was started from no branch has none to go back to.
            let onto = if root.started.onto.is_some() { "" } else { " --onto BRANCH" };
            format!("  next       pit diff {name} · pit accept {name}{onto} · pit send {name} \"…\"")
        }
        Phase::Live => format!("  next       kept; pit resume {name} goes on · pit cancel {name}"),
    });
    lines
}

/// Names of the first few below the first run that have commits of their own: where nothing came of a team, they hold its work.
fn kept(state: &State) -> Vec<String> {
    let below = state.order.iter().skip(1).filter_map(|id| Some((*id, state.runs.get(id)?)));
    below.filter(|(_, run)| run.commits > 0).map(|(id, _)| state.name(id)).take(KEPT).collect()
}

/// Whether a run has ended with files that it has not committed.
fn left_something(run: &Run) -> bool {
    run.ended().is_some_and(|ended| ended.uncommitted)
}

/// Whether the host's checks found the result bad.
fn is_red(state: &State) -> bool {
    state.result.as_ref().is_some_and(|judged| judged.verdict.kind() == Kind::Red)
}

/// What the host's checks came to on the result, or why there is no verdict.
pub fn result(state: &State) -> Vec<String> {
    let Some(root) = state.root() else { return Vec::new() };
    let checks =
        root.started.commands.iter().any(|commands| commands.checks.get(FULL).is_some_and(|all| !all.is_empty()));
    let why = match (&state.result, root.ended().and_then(|ended| ended.unjudged.as_deref())) {
        (Some(judged), _) => return verdict(judged),
        (None, Some(why)) => why,
        (None, None) if !checks => "there are no checks of the level full in pit.toml (pit init proposes some)",
        (None, None) if root.tip == root.started.base => "nothing was committed",
        (None, None) => "no checks were run on it",
    };
    vec![format!("  verdict    none: {}", line(why, 300))]
}

/// The verdict in lines: what it is, what fails, where its log is.
pub fn verdict(Judged { verdict, proof, tails }: &Judged) -> Vec<String> {
    let mut lines = vec![format!("  verdict    {}", line(&verdict.line(), 300))];
    for check in verdict.checks() {
        // What is lost is named, whatever else is to be said.
        for (what, lost) in [("no longer there", check.gone()), ("skipped now", check.muted())] {
            if !lost.is_empty() {
                let names: Vec<String> = lost.first().iter().map(|name| line(name, 100)).collect();
                lines.push(format!("             {}: {what}: {}", line(check.name(), 40), names.join(", ")));
            }
        }
    }
    for check in verdict.checks().iter().filter(|check| check.kind() != Kind::Green) {
        if !check.required() {
            lines.push(format!("             {}: fails, and is not required", line(check.name(), 40)));
        }
        let names = |names: &Names| names.first().iter().map(|name| line(name, 100)).collect::<Vec<_>>().join(", ");
        for (what, which) in [("fails", check.fails()), ("as before", check.as_before()), ("flaky", check.flaky())] {
            if !which.is_empty() {
                lines.push(format!("             {}: {what}: {}", line(check.name(), 40), names(which)));
            }
        }
        if let (Kind::NoWorse, Some(why)) = (check.kind(), check.why()) {
            lines.push(format!("             {}: {}", line(check.name(), 40), line(why, 200)));
        }
        if let Some(name) = check.flaky().first().first() {
            lines.push(format!(
                "             if it is known to be: flaky = [{:?}] at this check in pit.toml",
                line(name, 100)
            ));
        }
        let tail = tails.iter().find(|(name, _)| name == check.name()).map_or("", |(_, tail)| tail);
        if check.kind() == Kind::Red {
            let from = tail.lines().count().saturating_sub(TAIL);
            lines.extend(tail.lines().skip(from).map(|text| format!("             | {}", line(text, 120))));
        }
        if let Some(log) = check.log() {
            let name = line(check.name(), 40);
            lines.push(format!("             {name}: its output: .git/pit/checks/{}.log", &log.to_string()[..16]));
        }
    }
    lines.extend(proof.iter().flat_map(proved));
    lines
}

/// What the change's own tests prove, a line for each sort.
fn proved(proof: &Proof) -> Vec<String> {
    let some = |names: &[&str]| {
        let shown = names.iter().take(PROVED).map(|name| line(name, 60)).collect::<Vec<_>>().join(", ");
        if names.len() > PROVED { format!("{shown} and {} more", names.len() - PROVED) } else { shown }
    };
    let sorts = [Proves::Proved, Proves::Passes, Proves::Errors, Proves::DoesNotBuild, Proves::NotJudged];
    let sorts = sorts.into_iter().map(|proves| (proves, proof.named(proves))).filter(|(_, names)| !names.is_empty());
    let mut said: Vec<String> = sorts.map(|(proves, names)| format!("{}: {}", proves.told(), some(&names))).collect();
    if said.is_empty() {
        said.push(proof.whole().told().to_owned());
    }
    if proof.more() > 0 {
        said.push(format!("and {} more tests", proof.more()));
    }
    if let (Some(last), Some(why)) = (said.last_mut(), proof.why()) {
        last.push_str(&format!(" ({})", line(why, 120)));
    }
    let lead = |at| if at == 0 { "tests" } else { "" };
    said.iter().enumerate().map(|(at, said)| format!("  {:<10} {said}", lead(at))).collect()
}

/// Tests of each sort that are named.
const PROVED: usize = 3;

/// Lines of a red check's output.
const TAIL: usize = 24;

/// The branch, what is on it, and what it stands on.
fn branch(root: &Run, changed: Option<&Compared>) -> String {
    let short = |name: &str| line(name.strip_prefix("refs/heads/").unwrap_or(name), 80);
    // Those of its team too, as on the branch that a person takes. Without the repository, those that it has made itself.
    let commits =
        changed.map_or_else(|| usize::try_from(root.commits).unwrap_or(usize::MAX), |changed| changed.commits);
    let commits = several(commits, "commit");
    let size = changed.filter(|changed| !changed.paths.is_empty()).map(|changed| {
        let files = several(changed.paths.len(), "file");
        format!(", {files}, +{} −{}", changed.added, changed.removed)
    });
    let base: String = root.started.base.to_string().chars().take(7).collect();
    let onto = root.started.onto.as_deref().map_or("no branch".to_owned(), short);
    format!("{}   {commits}{}, on {onto} @ {base}", short(&root.started.site.branch), size.unwrap_or_default())
}

/// The criteria with their evidence, and the doubts.
pub fn report(state: &State) -> Vec<String> {
    let ended = state.root().and_then(|root| root.ended());
    let Some(End::Done(report)) = ended.map(|ended| &ended.end) else { return Vec::new() };
    let mut lines = Vec::new();
    // The person's own first, then those that a plan has given to the tasks of the team.
    let tasks = state.order.iter().filter_map(|id| state.runs.get(id)?.task());
    let wanted: Vec<&Criterion> = tasks.flat_map(|task| &task.criteria).collect();
    for (at, evidence) in report.criteria.iter().enumerate() {
        let lead = if at == 0 { "criteria" } else { "" };
        let met = if evidence.met { "met" } else { "NOT MET" };
        let text = wanted.iter().find(|criterion| criterion.id == evidence.criterion).map(|criterion| &criterion.text);
        let text = text.map(|text| format!("  {}", line(text, 60))).unwrap_or_default();
        lines.push(format!(
            "  {lead:<10} {}{text}  {met}: {}",
            line(&evidence.criterion, 60),
            line(&evidence.evidence, 100)
        ));
    }
    for (at, doubt) in report.doubts.iter().enumerate() {
        lines.push(format!("  {:<10} \"{}\"", if at == 0 { "doubts" } else { "" }, line(doubt, 140)));
    }
    lines
}

/// Every changed file that runs on the person's machine outside the sandbox. All of them: what is not shown is run unseen.
pub fn machine(paths: &[String]) -> Vec<String> {
    let runs = paths.iter().filter_map(|path| Some(format!("{} ({})", line(path, 200), protected::runs(path)?)));
    let runs: Vec<String> = runs.collect();
    match runs.is_empty() {
        true => vec!["  runs on your machine   none changed".to_owned()],
        false => std::iter::once("  runs on your machine".to_owned())
            .chain(runs.into_iter().map(|path| format!("             {path}")))
            .collect(),
    }
}

/// What was refused, in all its runs.
pub fn denied(state: &State) -> Vec<String> {
    let runs = state.order.iter().filter_map(|id| state.runs.get(id));
    let all: Vec<_> = runs.flat_map(|run| run.refused.iter().map(move |no| (run, no))).collect();
    let mut lines = Vec::new();
    for (at, (run, no)) in all.iter().take(DENIED).enumerate() {
        let about = if no.about.is_empty() { String::new() } else { format!(" {}", line(&no.about, 60)) };
        let lead = if at == 0 { format!("  denied     {}: ", all.len()) } else { "             ".to_owned() };
        let (agent, function, rule) = (line(run.agent(), 20), line(&no.function, 30), line(&no.rule, 40));
        lines.push(format!("{lead}{agent}, {function}{about} ({rule})"));
    }
    if all.len() > DENIED {
        lines.push(format!("             and {} more", all.len() - DENIED));
    }
    lines
}

/// What was asked when nobody was there to answer: the agents went on as they thought best.
pub fn unanswered(state: &State) -> Vec<String> {
    let runs = state.order.iter().filter_map(|id| state.runs.get(id));
    let all: Vec<_> = runs.flat_map(|run| run.unanswered.iter().map(move |text| (run, text))).collect();
    let mut lines = Vec::new();
    for (at, (run, text)) in all.iter().take(UNANSWERED).enumerate() {
        let lead = if at == 0 { "unanswered" } else { "" };
        lines.push(format!("  {lead:<10} {} asked: {}", line(run.agent(), 20), whole(text, 300)));
    }
    if all.len() > UNANSWERED {
        lines.push(format!("             and {} more", all.len() - UNANSWERED));
    }
    lines
}

/// What it cost: money, time at work, tokens and the person.
pub fn cost(state: &State) -> String {
    let Some(root) = state.root() else { return String::new() };
    let usage = state.runs.values().fold((0, 0, 0), |(input, cached, output), run| {
        (input + run.usage.input, cached + run.usage.cached_read, output + run.usage.output)
    });
    let cached = (usage.1 * 100).checked_div(usage.0).unwrap_or(0);
    let asked: u32 = state.runs.values().map(|run| run.asked).sum();
    format!(
        "  cost       {}, {}, {} tokens in ({cached} % cached), {} out; asked you {}",
        money(state.money(root.started.site.tree)),
        long(state.balance(root.started.site.tree).elapsed),
        count(usage.0),
        count(usage.2),
        times(asked),
    )
}

fn times(number: u32) -> String {
    match number {
        0 => "nothing".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}
