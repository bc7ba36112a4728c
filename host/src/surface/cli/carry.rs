//! Flags of the commands that carry a run: those that go on with one have [`CarryArgs`], those that start one [`StartArgs`] too.

use super::detach::DetachArgs;
use super::display::HowArgs;
use super::follow::Output;
use super::setting::{ApprovalArgs, LimitArgs, ModelArgs};
use super::stranger::AgentArgs;

/// Where a run is carried, how it is shown and which models it asks.
#[derive(Debug, clap::Args)]
pub struct CarryArgs {
    /// What standard output gets.
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub output_format: Output,
    /// As if no terminal were there: nothing is redrawn, nobody is asked; the result is on standard output.
    #[arg(short, long, conflicts_with = "detach")]
    pub print: bool,
    #[command(flatten)]
    pub detach: DetachArgs,
    #[command(flatten)]
    how: HowArgs,
    #[command(flatten)]
    pub model: ModelArgs,
}

impl CarryArgs {
    /// How it is shown.
    pub fn how(&self) -> HowArgs {
        self.how.printing(self.print)
    }
}

/// What a new run goes by.
#[derive(Debug, clap::Args)]
pub struct StartArgs {
    #[command(flatten)]
    pub carry: CarryArgs,
    #[command(flatten)]
    pub approvals: ApprovalArgs,
    #[command(flatten)]
    pub limits: LimitArgs,
    #[command(flatten)]
    pub agents: AgentArgs,
}
