//! `pit replay`: run the agents once more from the record, offline, and compare.

use super::Failure;
use super::open::{Place, find};
use super::out::out;
use crate::effect::model::models::Models;
use crate::effect::model::settings::Settings;
use crate::run::replay::replay;
use crate::surface::exit::Exit;

/// `pit replay`
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run; the newest if none is named.
    id: Option<String>,
}

/// Replays.
pub async fn run(at: &Place, args: Args) -> Result<Exit, Failure> {
    let pit = at.pit(Models::new(Settings::default(), Box::new(|_| None))?)?;
    let named = find(&pit.host.journal, args.id.as_deref()).await?;
    let mut same = true;
    for replayed in replay(&pit.host, named.tree).await? {
        match &replayed.difference {
            None => out!("{}  same: {} calls", replayed.run.short(), replayed.calls),
            Some(difference) => {
                same = false;
                out!("{}  differs after {} calls: {difference}", replayed.run.short(), replayed.calls);
            }
        }
    }
    Ok(if same { Exit::Done } else { Exit::Failed })
}
