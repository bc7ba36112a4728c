//! Whether a plan can be carried out, and who waits for whom because of the files.

use super::{MOST_TASKS, Plan, Planned};
use orchestra_pit_sdk::Criterion;

/// Bytes of a task's id.
const MOST_ID: usize = 24;
/// Bytes of a goal, or of all criteria of a task: a page each.
const MOST_WORDS: usize = 8_000;
/// Files of a task.
const MOST_FILES: usize = 50;

/// What a plan is held against.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Agents that can be given a task.
    pub agents: &'a [String],
    /// What must be true of the whole.
    pub criteria: &'a [Criterion],
}

impl Plan {
    /// What is wrong with it, all at once, a line each. Empty if nothing is.
    pub fn faults(&self, known: Known<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        match self.tasks.len() {
            0 => return vec!["the plan has no task".to_owned()],
            count if count > MOST_TASKS => {
                faults.push(format!("the plan has {count} tasks, and {MOST_TASKS} are the most"))
            }
            _ => {}
        }
        for (at, task) in self.tasks.iter().enumerate() {
            if self.tasks.iter().take(at).any(|other| other.id == task.id) {
                faults.push(format!("two tasks have the id {:?}", task.id));
            }
            faults.extend(self.faults_of(task, known).into_iter().map(|fault| format!("task {}: {fault}", task.id)));
        }
        if let Some(id) = self.circle() {
            faults.push(format!("task {id} has to wait for itself; `after` goes in a circle"));
        }
        for criterion in known.criteria {
            let carried = |text: &String| {
                Planned::stands_for(text, known.criteria).is_some_and(|stands| stands.id == criterion.id)
            };
            if !self.tasks.iter().any(|task| task.criteria.iter().any(carried)) {
                faults.push(format!("no task has the criterion {}: {}", criterion.id, criterion.text.trim()));
            }
        }
        faults
    }

    fn faults_of(&self, task: &Planned, known: Known<'_>) -> Vec<String> {
        let mut faults = Vec::new();
        if !is_plain(&task.id) {
            faults.push(format!("an id is up to {MOST_ID} lower-case letters, digits and `-`"));
        }
        if task.title.trim().is_empty() || task.goal.trim().is_empty() {
            faults.push("it has no title or no goal".to_owned());
        }
        if task.criteria.iter().all(|text| text.trim().is_empty()) {
            faults.push("it has no criterion; say what must be true of the result".to_owned());
        }
        if task.goal.len() > MOST_WORDS || task.criteria.iter().map(String::len).sum::<usize>() > MOST_WORDS {
            faults.push(format!("its goal or its criteria have more than {MOST_WORDS} bytes"));
        }
        if task.files.len() > MOST_FILES {
            faults.push(format!("it names {} files, and {MOST_FILES} are the most; use globs", task.files.len()));
        }
        if let Some(file) = task.files.iter().find(|file| !is_path(file)) {
            faults.push(format!("{file:?} is no path of the repository, and no glob of them"));
        }
        if !known.agents.contains(&task.agent) {
            faults.push(format!("there is no agent {:?}; there are {}", task.agent, known.agents.join(", ")));
        }
        if let Some(other) = task.after.iter().find(|id| !self.tasks.iter().any(|task| task.id == **id)) {
            faults.push(format!("it comes after {other:?}, which is no task of the plan"));
        }
        faults
    }

    /// A task that has to wait for itself.
    fn circle(&self) -> Option<&str> {
        self.tasks.iter().map(|task| task.id.as_str()).find(|id| self.before(id).contains(id))
    }

    /// The tasks that have to be done before one, directly or not.
    fn before(&self, id: &str) -> Vec<&str> {
        let (mut found, mut look): (Vec<&str>, Vec<&str>) = (Vec::new(), vec![id]);
        while let Some(next) = look.pop() {
            for first in self.tasks.iter().filter(|task| task.id == next).flat_map(|task| &task.after) {
                if !found.contains(&first.as_str()) {
                    found.push(first);
                    look.push(first);
                }
            }
        }
        found
    }

    /// One file, one owner: of two tasks that expect the same file and could be done side by side, the later waits for the
    /// earlier. Says what it added, for people.
    pub fn one_owner(&mut self) -> Vec<String> {
        let mut added = Vec::new();
        for late in 0..self.tasks.len() {
            for early in 0..late {
                let (Some(first), Some(then)) = (self.tasks.get(early), self.tasks.get(late)) else { continue };
                let shared = first.files.iter().find(|file| then.files.iter().any(|other| overlap(file, other)));
                let Some(file) = shared.cloned() else { continue };
                let (first, then) = (first.id.clone(), then.id.clone());
                if self.before(&then).contains(&first.as_str()) || self.before(&first).contains(&then.as_str()) {
                    continue;
                }
                added.push(format!("{then} waits for {first}: both expect to change {file}"));
                if let Some(task) = self.tasks.get_mut(late) {
                    task.after.push(first);
                }
            }
        }
        added
    }
}

fn is_plain(id: &str) -> bool {
    (1..=MOST_ID).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !id.starts_with('-')
}

/// What the workspace takes as a path or a glob of paths.
fn is_path(file: &str) -> bool {
    !file.is_empty()
        && !file.contains(['\\', '\0', '\n'])
        && file.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Where a glob begins to be one; all of a path that is none.
fn fixed(file: &str) -> &str {
    file.find(['*', '?', '[', '{']).and_then(|at| file.get(..at)).unwrap_or(file)
}

/// Whether two paths or globs may name the same file, or one a folder above the other. Of two globs only what comes
/// before their first sign is compared: to wait in vain costs time, to write the same file costs the work.
fn overlap(one: &str, other: &str) -> bool {
    let (a, b) = (fixed(one), fixed(other));
    let below = |above: &str, path: &str| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'));
    match (a.len() == one.len(), b.len() == other.len()) {
        (true, true) => a == b || below(a, b) || below(b, a),
        (true, false) => a.starts_with(b) || below(a, b),
        (false, true) => b.starts_with(a) || below(b, a),
        (false, false) => a.starts_with(b) || b.starts_with(a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(id: &str, files: &[&str], after: &[&str]) -> Planned {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Planned {
            id: id.into(),
            title: id.into(),
            goal: "do it".into(),
            criteria: vec!["it is done".into()],
            files: texts(files),
            after: texts(after),
            agent: "coder".into(),
            tests: false,
        }
    }

    fn faults(plan: &Plan) -> Vec<String> {
        let criteria = [Criterion { id: "1".into(), text: "prints JSON".into(), more: Vec::new() }];
        plan.faults(Known { agents: &["coder".to_owned()], criteria: &criteria })
    }

    #[test]
    fn a_plan_that_can_be_carried_out_has_no_fault() {
        let mut plan = Plan { tasks: vec![task("a", &["src/lib.rs", "docs/**"], &[]), task("b", &[], &["a"])] };
        plan.tasks[1].criteria = vec!["1: prints JSON".into()];
        assert_eq!(faults(&plan), Vec::<String>::new());
    }

    #[test]
    fn all_faults_are_said_at_once() {
        let mut plan = Plan {
            tasks: vec![
                task("a", &["../x"], &["b"]),
                task("b", &[], &["a", "z"]),
                task("b", &[], &[]),
                task("Not Plain", &[], &[]),
            ],
        };
        plan.tasks[0].agent = "ghost".into();
        plan.tasks[1].criteria = vec![" ".into()];
        plan.tasks[2].goal = String::new();
        let said = faults(&plan).join("\n");
        for part in [
            "no path of the repository",
            "there is no agent \"ghost\"; there are coder",
            "task b: it has no criterion",
            "task b: it comes after \"z\", which is no task",
            "two tasks have the id \"b\"",
            "it has no title or no goal",
            "an id is up to",
            "task a has to wait for itself",
            "no task has the criterion 1: prints JSON",
        ] {
            assert!(said.contains(part), "no {part:?} in\n{said}");
        }
        assert_eq!(faults(&Plan::default()), ["the plan has no task"]);
        let many = Plan { tasks: (0..21).map(|n| task(&n.to_string(), &[], &[])).collect() };
        assert!(faults(&many)[0].contains("21 tasks"));
    }

    #[test]
    fn one_file_has_one_owner() {
        let mut plan = Plan {
            tasks: vec![
                task("a", &["src/ls.rs"], &[]),
                task("b", &["docs/*.md"], &[]),
                task("c", &["src/**"], &[]),
                task("d", &["docs/cli.md", "src/x.rs"], &["c"]),
            ],
        };
        let added = plan.one_owner();
        assert_eq!(
            added,
            ["c waits for a: both expect to change src/ls.rs", "d waits for b: both expect to change docs/*.md"]
        );
        assert_eq!(plan.tasks[3].after, ["c", "b"]);
        assert!(plan.circle().is_none() && plan.one_owner().is_empty());
    }

    #[test]
    fn paths_and_globs_overlap_where_they_may_name_the_same_file() {
        for (one, other) in [
            ("a/b", "a/b"),
            ("a", "a/b"),
            ("a/**", "a/b/c"),
            ("a/*.rs", "a/b.rs"),
            ("**", "x"),
            ("a/b*", "a/*c"),
            ("a/b/**", "a/b"),
        ] {
            assert!(overlap(one, other) && overlap(other, one), "{one} {other}");
        }
        for (one, other) in [("a/b", "a/bc"), ("a/**", "b/**"), ("a/*.rs", "b.rs"), ("ab", "a/**")] {
            assert!(!overlap(one, other) && !overlap(other, one), "{one} {other}");
        }
    }
}
