//! What tokens cost: integers only, and never rounded down.

use std::fmt;

use orchestra_pit_core::call::model::Usage;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::family;

/// Millionths of a US dollar for a million tokens: the number that price lists print, times a million.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Rate(pub u64);

/// In dollars, to as many digits as it has.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, rest) = (self.0 / 1_000_000, format!("{:06}", self.0 % 1_000_000));
        let rest = rest.trim_end_matches('0');
        write!(f, "${dollars}.{rest:0<2}")
    }
}

/// What a model's tokens cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Input that was neither read from a cache nor written to one.
    pub input: Rate,
    /// Input read from the provider's cache.
    pub cached_read: Rate,
    /// Input written to it.
    pub cache_write: Rate,
    /// Output, reasoning included.
    pub output: Rate,
}

impl Price {
    /// What was used, in millionths of a US dollar, rounded up.
    pub fn of(&self, usage: &Usage) -> u64 {
        let fresh = usage.input.saturating_sub(usage.cached_read).saturating_sub(usage.cache_write);
        let lines = [
            (fresh, self.input),
            (usage.cached_read, self.cached_read),
            (usage.cache_write, self.cache_write),
            (usage.output, self.output),
        ];
        // A product of two u64 fits in u128, and so do four of them.
        let sum: u128 = lines.iter().map(|(tokens, rate)| u128::from(*tokens) * u128::from(rate.0)).sum();
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// The dearest that a token of input can be: what is held before it is known what a cache will do.
    pub fn dearest_input(&self) -> Rate {
        self.input.max(self.cache_write).max(self.cached_read)
    }
}

/// A row of a price list.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// `provider/model`, in which `*` stands for any text.
    pub model: String,
    /// For requests with more input than this, all of it.
    #[serde(default)]
    pub above: u64,
    input: Rate,
    cached_read: Rate,
    cache_write: Rate,
    output: Rate,
}

impl Row {
    /// What it says that tokens cost.
    pub fn price(&self) -> Price {
        let Self { input, cached_read, cache_write, output, .. } = *self;
        Price { input, cached_read, cache_write, output }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    list: Vec<List>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    date: String,
    source: String,
    price: Vec<Row>,
}

/// All prices that are known.
#[derive(Debug)]
pub struct Prices {
    users: List,
    lists: Vec<List>,
}

/// A price and where it is from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quoted<'a> {
    /// For this much input.
    pub price: Price,
    /// When it was read; empty for the user's own.
    pub date: &'a str,
    /// Where.
    pub source: &'a str,
}

impl Prices {
    /// The lists that pit was built with, and the user's rows before them.
    pub fn new(users: Vec<Row>) -> Result<Self, toml::de::Error> {
        let File { list } = toml::from_str(include_str!("prices.toml"))?;
        let users = List { date: String::new(), source: "your configuration".into(), price: users };
        Ok(Self { users, lists: list })
    }

    /// What a model's tokens cost in a request with this much input; `None` if that is not known.
    pub fn of(&self, name: &str, input: u64) -> Option<Quoted<'_>> {
        let (list, first) = std::iter::once(&self.users)
            .chain(&self.lists)
            .find_map(|list| Some((list, list.price.iter().find(|row| family::matches(&row.model, name))?)))?;
        let same = list.price.iter().filter(|row| row.model == first.model && (row.above == 0 || row.above < input));
        let row = same.max_by_key(|row| row.above)?;
        Some(Quoted { price: row.price(), date: &list.date, source: &list.source })
    }
}

impl<'de> Deserialize<'de> for Rate {
    /// A number of US dollars for a million tokens, as price lists print it.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(from)?;
        // Nothing has ever cost more than a thousand; the bound keeps the conversion exact.
        if !(0.0..=1_000_000.0).contains(&dollars) {
            return Err(D::Error::custom("a price is US dollars for a million tokens, from 0 to 1000000"));
        }
        Ok(Self((dollars * 1e6).round() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price {
        input: Rate(3_000_000),
        cached_read: Rate(300_000),
        cache_write: Rate(3_750_000),
        output: Rate(15_000_000),
    };

    #[test]
    fn each_sort_of_token_is_paid_once() {
        let usage = Usage { input: 10_000, cached_read: 6_000, cache_write: 1_000, output: 500, reasoning: 200 };
        // 3,000 fresh at $3, 6,000 read at $0.30, 1,000 written at $3.75, 500 out at $15.
        assert_eq!(PRICE.of(&usage), 9_000 + 1_800 + 3_750 + 7_500);
    }

    #[test]
    fn a_fraction_is_rounded_up_and_a_flood_does_not_wrap() {
        assert_eq!(PRICE.of(&Usage { cached_read: 1, input: 1, ..Usage::default() }), 1);
        assert_eq!(PRICE.of(&Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() }), u64::MAX);
    }

    #[test]
    fn a_server_that_counts_more_cached_than_sent_is_no_underflow() {
        assert_eq!(PRICE.of(&Usage { input: 1, cached_read: 1_000_000, ..Usage::default() }), 300_000);
    }

    #[test]
    fn the_lists_read_and_long_requests_cost_more() {
        let prices = Prices::new(Vec::new()).unwrap();
        let output = |name: &str, input| prices.of(name, input).map(|quoted| quoted.price.output);
        assert_eq!(output("anthropic/claude-haiku-5-5", 100_000), Some(Rate(500_000)));
        assert_eq!(output("anthropic/claude-haiku-5-5", 100_001), Some(Rate(2_500_000)));
        assert_eq!(output("anthropic/claude-opus-5", 0), Some(Rate(25_000_000)));
        assert_eq!(output("ollama/qwen3", 0), Some(Rate(0)));
        assert_eq!(output("openai/gpt-7", 0), None);
        let quoted = prices.of("openai/gpt-6.1-sol", 0).unwrap();
        assert!(quoted.date >= "2026" && quoted.source.contains("openai"));
    }

    #[test]
    fn the_users_prices_come_first() {
        let row = "model = \"openai/*\"\ninput = 1\ncached_read = 0.5\ncache_write = 1\noutput = 2.5";
        let prices = Prices::new(vec![toml::from_str(row).unwrap()]).unwrap();
        assert_eq!(prices.of("openai/gpt-6.1-sol", 0).unwrap().price.output, Rate(2_500_000));
        assert!(toml::from_str::<Row>(&row.replace("2.5", "-1")).is_err());
    }
}
