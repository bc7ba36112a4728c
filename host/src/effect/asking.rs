//! The way of one `model.ask` from the gate to the model and back: which model, how much it may write, what it cost.

use orchestra_pit_core::budget::{self, Cost, Line};
use orchestra_pit_core::call::{Error, ErrorKind, Order, Value, model};

use super::model::Events;
use super::model::models::{Models, Quote};
use super::{ONE_CALL, Performed, Team};

/// Carries a call of `model` out.
pub(super) async fn ask<T: Team>(
    models: &Models,
    order: &Order,
    call: &model::Call,
    line: Line,
    team: &T,
    events: Events<'_>,
) -> Performed {
    let alias = match call {
        model::Call::Ask(request) => &request.model,
        model::Call::About(alias) => alias,
    };
    let alias = if alias.is_empty() { "default" } else { alias.as_str() };
    let Some(name) = team.model(order.site().run, alias) else {
        let error = Error::new(ErrorKind::NotFound, format!("this run has no model `{alias}`"));
        return Performed::Now(Err(error), ONE_CALL);
    };
    let request = match call {
        model::Call::About(_) => {
            let about = models.about(&name).map(|about| Value::Model(Box::new(model::Value::About(about))));
            return Performed::Now(about, ONE_CALL);
        }
        model::Call::Ask(request) => request,
    };
    let Line::Spend(held) = line else {
        return Performed::Now(Err(Error::new(ErrorKind::Invalid, "a model was asked with a child's share")), ONE_CALL);
    };
    let most_output = match models.quote(&name, request) {
        Ok(quote) => affordable(&quote, &held),
        Err(error) => return Performed::Now(Err(error), ONE_CALL),
    };
    let asking = super::model::Asking { who: agent(order), id: order.id(), model: &name, request, most_output };
    let told = models.ask(asking, events).await;
    let cost = Cost {
        micro_usd: told.micro_usd.unwrap_or(0),
        unpriced: told.micro_usd.is_none(),
        tokens: told.used.input + told.used.output,
        turns: 1,
        calls: 1,
        work: 0,
    };
    Performed::Now(told.answer.map(|reply| Value::Model(Box::new(model::Value::Reply(reply)))), cost)
}

/// What a request may cost, for the hold on the budget.
pub fn price(models: &Models, name: &str, request: &model::Request) -> budget::Quote {
    let cost = |quote: &Quote, output: u32| Cost {
        micro_usd: quote.micro_usd(output).unwrap_or(0),
        unpriced: quote.price.is_none(),
        tokens: quote.input.saturating_add(output.into()),
        turns: 1,
        calls: 1,
        work: 0,
    };
    match models.quote(name, request) {
        Ok(quote) => budget::Quote { least: cost(&quote, quote.least_output), most: cost(&quote, quote.most_output) },
        // The effect says what is wrong with it; the turn is counted.
        Err(_) => {
            let turn = Cost { turns: 1, ..ONE_CALL };
            budget::Quote { least: turn, most: turn }
        }
    }
}

/// Tokens of output that what was held can pay for.
fn affordable(quote: &Quote, held: &Cost) -> u32 {
    let by_tokens = u32::try_from(held.tokens.saturating_sub(quote.input)).unwrap_or(u32::MAX).min(quote.most_output);
    let pays = |output: u32| quote.micro_usd(output).is_none_or(|cost| cost <= held.micro_usd);
    // The cost grows with the output: the last output that is still paid for is found by halving.
    let (mut low, mut high) = (0, by_tokens);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        if pays(middle) { low = middle } else { high = middle - 1 }
    }
    low
}

/// The agent's name without its version.
fn agent(order: &Order) -> &str {
    let name = order.site().agent_name.as_str();
    name.split_once('@').map_or(name, |(name, _)| name)
}
