//! `pit run`: a task in this repository, from prompt to a branch that a person can take.

use std::path::Path;
use std::sync::Arc;

use orchestra_pit_core::call::delegate::Task;
use orchestra_pit_core::policy::Profile;
use orchestra_pit_core::text::clean;

use super::Failure;
use super::agent::{aliases, random_hash, random_id};
use super::follow::{Output, follow};
use super::open::Place;
use super::setting::{self, ApprovalArgs, LimitArgs, ModelArgs};
use super::stranger::AgentArgs;
use crate::assemble;
use crate::config::file;
use crate::effect::store::Repo;
use crate::run::{Spec, Tree};
use crate::shipped::AGENTS;
use crate::surface::exit::Exit;
use crate::surface::spec::{self, slug};

/// The agent that works alone.
const CODER: &str = "coder";

/// `pit run`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do: a few words, or a Markdown file with title, goal and criteria (`SPEC.md`).
    task: String,
    /// One coder alone.
    #[arg(long)]
    solo: bool,
    /// What standard output gets.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    output_format: Output,
    #[command(flatten)]
    approvals: ApprovalArgs,
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    agents: AgentArgs,
}

/// Runs.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let spec = task(at, &args.task)?;
    let repo = at.repo()?;
    let head = repo.head()?;
    let enlisted = args.agents.enlist()?;
    let mut settled = setting::settle(&repo, &args.limits.flags())?;
    let models = setting::models(&mut settled, &args.model, true)?;
    eprintln!("{}", setting::first_line(&settled, &models)?);
    if !args.solo {
        eprintln!("there is no team in this pit yet: one coder works alone, as with --solo");
    }
    let models_named = aliases(&models);
    let pit = at.pit(models)?;
    let coder = AGENTS.iter().find(|agent| agent.name == CODER);
    let coder = coder.ok_or_else(|| Failure::new(Exit::Failed, "this pit was built without its coder"))?;
    let (_, manifest) = assemble::known(coder.component)?;
    let settings = manifest.settings(&spec.task.settings)?;
    let id = random_id()?;
    let tree = Spec {
        id,
        seed: random_hash()?,
        agent: CODER.to_owned(),
        branch: format!("refs/heads/pit/{}-{}", id.short(), slug(&spec.title)),
        title: spec.title,
        task: Task { settings, ..spec.task },
        grants: settled.grants(&manifest, Profile::Default),
        enlisted,
        rules: settled.rules(),
        caps: settled.caps(&manifest),
        models: models_named,
        base: head.commit,
        onto: head.branch,
        asks: args.approvals.asks(),
    };
    let _lease = pit.bells.take(id)?;
    let events = pit.host.events.subscribe();
    // It may take its time on a large tree, and nothing waits for it.
    tokio::task::spawn_blocking(move || unseen(&repo));
    let tree = Tree::start(pit.host.clone(), tree).await?;
    follow(&pit, &tree, events, args.output_format).await
}

/// What the person asks for. A name that ends in `.md` is a file's, and nothing else.
fn task(at: &Place, text: &str) -> Result<spec::Spec, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::new(Exit::Usage, "there is no task").hint("pit run \"what to do\", or pit run SPEC.md"));
    }
    let path = Path::new(text);
    if text.contains(char::is_whitespace) || path.extension().is_none_or(|extension| extension != "md") {
        return Ok(spec::Spec::words(text));
    }
    let path = at.join(path);
    let read = file::read_linked(&path).map_err(|error| Failure::new(Exit::Usage, error))?;
    match read {
        Some(text) if !text.trim().is_empty() => Ok(spec::Spec::markdown(&text)),
        Some(_) => Err(Failure::new(Exit::Usage, format!("{} is empty", path.display()))),
        None => Err(Failure::new(Exit::Usage, format!("there is no file {}", path.display()))
            .hint("a task in words has no name of a file: pit run \"what to do\"")),
    }
}

/// One line about what the person has changed and not committed: agents start from HEAD.
fn unseen(repo: &Arc<Repo>) {
    if let Ok(changed) = repo.uncommitted()
        && let Some(first) = changed.first()
    {
        let more = changed.len() - 1;
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        eprintln!("agents start from HEAD and do not see what is not committed: {}{more}", clean(first));
    }
}
