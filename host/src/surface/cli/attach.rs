//! `pit attach`: shows a run that another process is at work on, and hears what is said to it here.

use super::Failure;
use super::display::{Display, HowArgs, Left};
use super::follow::changed;
use super::open::{Place, find, state};
use super::out::{self, note};
use super::view::{Other, View};
use crate::run::state::Phase;
use crate::surface::exit::Exit;
use crate::surface::last;

/// `pit attach`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest if none is named.
    id: Option<String>,
    #[command(flatten)]
    how: HowArgs,
}

/// Shows it until it has ended, or the person leaves. Leaving stops nothing.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let desk = at.desk()?;
    let named = find(&desk.journal, args.id.as_deref()).await?;
    let (id, by) = (named.tree.short(), desk.repo.person().name.clone());
    let ended = state(&desk.journal, named.tree).await?;
    if ended.root().is_some_and(|root| root.phase != Phase::Live) {
        let changed = changed(&desk.repo, ended.root().map(|root| (root.started.base, root.tip)));
        last::screen(&ended, changed.as_ref()).iter().for_each(|line| out::shown(line));
        return Ok(Exit::of(&ended));
    }
    let nobody = || {
        Failure::new(Exit::Interrupted, format!("nobody is at work on {id}; what it did is kept"))
            .hint(format!("pit resume {id} goes on, pit status {id} shows what it stands at"))
    };
    let repo = desk.repo.clone();
    let other = Other::watch(desk, named.tree).await?.ok_or_else(nobody)?;
    let view = View::Other(other);
    let events = view.events();
    let mut display = Display::new(view.clone(), args.how, false, by, events)?;
    let left = display.show().await;
    display.finish().await;
    match left {
        Left::HungUp => Ok(Exit::Done),
        Left::Stop | Left::StopNow => {
            note!("{id} goes on; pit attach {id} shows it again, pit cancel {id} stops it");
            Ok(Exit::Done)
        }
        Left::Over if view.look(|state| state.root().is_some_and(|root| root.phase == Phase::Live)) => Err(nobody()),
        Left::Over => {
            let changed = changed(&repo, view.look(|state| state.root().map(|root| (root.started.base, root.tip))));
            let lines = view.look(|state| last::screen(state, changed.as_ref()));
            lines.iter().for_each(|line| out::shown(line));
            Ok(view.look(Exit::of))
        }
    }
}
