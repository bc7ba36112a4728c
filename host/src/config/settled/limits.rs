//! Limits: built in, lowered by the organisation, set by the user, lowered by the repository, set by a flag.

use std::fmt;

use orchestra_pit_core::amount::{Span, Usd};
use toml::Spanned;

use super::{Budget, MOST_CODERS, of};
use crate::config::written::{self, Files, Flags};
use crate::config::{ConfigError, Origin, Said, Source, Widening};

/// What a run may use up if nobody says anything: enough for a task of some size, and a sum that nobody minds to have
/// lost.
const USD: Usd = Usd(5_000_000);
const WALL: Span = Span(60 * 60 * 1_000_000);
const TURNS: u64 = 60;
/// Coders at a time: what one person can still follow.
const CODERS: u64 = 3;

/// One limit in the layers that may set it.
struct Limit<'a, T> {
    key: &'static str,
    default: Option<T>,
    /// The least and the most that makes sense.
    range: (T, T),
    organisation: Option<(&'a Source, Spanned<T>)>,
    user: Option<(&'a Source, Spanned<T>)>,
    repository: Option<(&'a Source, Spanned<T>)>,
    flag: Option<(&'static str, T)>,
}

pub(super) fn settle(
    files: &mut Files,
    flags: &Flags,
    widens: &mut Vec<Widening>,
) -> Result<(Budget, Said<u64>), ConfigError> {
    const USD_FLAG: &str = "--max-budget-usd";
    let not_an_amount = || ConfigError::Flag { flag: USD_FLAG, message: "not an amount of US dollars".into() };
    let usd = flags.max_budget_usd.map(|dollars| Usd::from_dollars(dollars).ok_or_else(not_an_amount)).transpose()?;
    macro_rules! limit {
        ($key:literal, $table:ident.$field:ident, $default:expr, $range:expr, $flag:expr) => {
            Limit {
                key: $key,
                default: $default,
                range: $range,
                organisation: of(&mut files.organisation, |own: &mut written::Own| own.$table.$field.take()),
                user: of(&mut files.user, |own: &mut written::Own| own.$table.$field.take()),
                repository: of(&mut files.repository, |file: &mut written::Repository| file.$table.$field.take()),
                flag: $flag,
            }
            .settle(widens)?
        };
    }
    let all = (1, u64::MAX);
    let tokens = flags.max_tokens.map(|most| ("--max-tokens", most));
    let turns = flags.max_turns.map(|most| ("--max-turns", most));
    let coders = flags.coders.map(|count| ("--coders", count));
    let budget = Budget {
        usd: limit!("budget.usd", budget.usd, Some(USD), (Usd(0), Usd::MAX), usd.map(|usd| (USD_FLAG, usd))),
        tokens: limit!("budget.tokens", budget.tokens, None, all, tokens),
        wall: limit!("budget.wall", budget.wall, Some(WALL), (Span(1), Span::MAX), None),
        turns: limit!("budget.turns", budget.turns, Some(TURNS), all, turns),
    };
    let coders = limit!("team.coders", team.coders, Some(CODERS), (1, MOST_CODERS), coders);
    Ok((budget, coders.map(|coders| coders.unwrap_or(CODERS))))
}

impl<T: Copy + Ord + fmt::Display> Limit<'_, T> {
    fn settle(self, widens: &mut Vec<Widening>) -> Result<Said<Option<T>>, ConfigError> {
        let (key, (least, most)) = (self.key, self.range);
        let mut ceiling: Option<Said<T>> = None;
        let right = |value: T, ceiling: &Option<Said<T>>| match ceiling {
            _ if value < least || value > most => Err(format!("{key} is from {least} to {most}")),
            Some(Said { value: limit, from }) if value > *limit => {
                Err(format!("{key} = {value} is above the organisation's limit of {limit} ({from})"))
            }
            _ => Ok(()),
        };
        let written = |found: (&Source, Spanned<T>), ceiling: &Option<Said<T>>| {
            let (source, value) = found;
            right(*value.get_ref(), ceiling).map_err(|why| source.wrong(value.span().start, why))?;
            Ok(source.said(value))
        };
        let mut held = Said::default(self.default);
        if let Some(found) = self.organisation {
            let said = written(found, &None)?;
            if held.value.is_none_or(|default| default > said.value) {
                held = said.clone().map(Some);
            }
            ceiling = Some(said);
        }
        if let Some(found) = self.user {
            held = written(found, &ceiling)?.map(Some);
        }
        if let Some(found) = self.repository {
            let (source, at) = (found.0, found.1.span().start);
            let said = written(found, &ceiling)?;
            // A flag goes over it in any case.
            let without = held.value.filter(|held| said.value > *held && self.flag.is_none());
            widens.extend(without.map(|without| Widening {
                line: source.line(at),
                key: key.into(),
                to: said.value.to_string(),
                without: without.to_string(),
            }));
            held = said.map(Some);
        }
        if let Some((flag, value)) = self.flag {
            right(value, &ceiling).map_err(|message| ConfigError::Flag { flag, message })?;
            held = Said { value: Some(value), from: Origin::Flag(flag) };
        }
        Ok(held)
    }
}
