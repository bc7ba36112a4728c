//! A row of the table, and how several measurements become one.

use serde_json::{Value, json};

/// What was measured, what it was measured against, and what it should reach.
pub struct Row {
    /// Short, as in the issue.
    pub what: &'static str,
    /// Ours, in `unit`.
    pub ours: f64,
    /// The same work without pit; none where the promise is about a figure of its own.
    pub baseline: Option<f64>,
    /// Of both.
    pub unit: &'static str,
    /// The figure that the promise is about: the middle one of all pairs, with the quarters beside it.
    pub figure: Middle,
    /// Its unit: `×`, `µs more`, `ms`, …
    pub of: &'static str,
    /// What it should be.
    pub reach: Reach,
    /// What the baseline was, and anything that a reader must know.
    pub note: String,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub enum Reach {
    AtMost(f64),
    AtLeast(f64),
}

/// The middle of several measurements, and between what the middle half of them lies.
#[derive(Clone, Copy)]
pub struct Middle {
    pub middle: f64,
    pub low: f64,
    pub high: f64,
}

/// Measurements of two things that took turns, so that whatever else the machine did fell on both.
#[derive(Default)]
pub struct Pairs {
    pub ours: Vec<f64>,
    pub baseline: Vec<f64>,
}

impl Middle {
    pub fn of(values: &[f64]) -> Self {
        let mut values = values.to_vec();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        Self { middle: at(values.len() / 2), low: at(values.len() / 4), high: at(values.len() * 3 / 4) }
    }

    /// Of something that was measured once.
    pub fn one(value: f64) -> Self {
        Self { middle: value, low: value, high: value }
    }
}

impl Pairs {
    pub fn add(&mut self, ours: f64, baseline: f64) {
        self.ours.push(ours);
        self.baseline.push(baseline);
    }

    /// What two measurements that were made side by side make together.
    pub fn each(&self, figure: impl Fn(f64, f64) -> f64) -> Middle {
        let figures: Vec<f64> = self.ours.iter().zip(&self.baseline).map(|(a, b)| figure(*a, *b)).collect();
        Middle::of(&figures)
    }

    /// A row whose figure is made of each pair.
    pub fn row(&self, what: &'static str, unit: &'static str, of: &'static str, figure: Middle, reach: Reach) -> Row {
        let (ours, baseline) = (Middle::of(&self.ours).middle, Some(Middle::of(&self.baseline).middle));
        Row { what, ours, baseline, unit, figure, of, reach, note: String::new() }
    }
}

impl Row {
    /// A row whose promise is a figure of its own.
    pub fn plain(what: &'static str, unit: &'static str, figure: Middle, reach: Reach) -> Self {
        Self { what, ours: figure.middle, baseline: None, unit, figure, of: unit, reach, note: String::new() }
    }

    /// The same with a note.
    pub fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }

    fn met(&self) -> bool {
        match self.reach {
            Reach::AtMost(most) => self.figure.middle <= most,
            Reach::AtLeast(least) => self.figure.middle >= least,
        }
    }
}

/// Three digits that mean something.
fn short(value: f64) -> String {
    let digits = if value.abs() >= 100.0 { 0 } else { 1 + usize::from(value.abs() < 10.0) };
    format!("{value:.digits$}")
}

/// Prints all rows for a person.
pub fn table(rows: &[Row]) {
    println!("{:<46} {:>14} {:>14}   {:<14} {:<14} {:<16} met", "what", "pit", "baseline", "figure", "reach", "spread");
    for row in rows {
        let ours = format!("{} {}", short(row.ours), row.unit);
        let baseline = row.baseline.map_or("-".to_owned(), |baseline| format!("{} {}", short(baseline), row.unit));
        let figure = format!("{} {}", short(row.figure.middle), row.of);
        let reach = match row.reach {
            Reach::AtMost(most) => format!("at most {most}"),
            Reach::AtLeast(least) => format!("at least {least}"),
        };
        let spread = format!("{} to {}", short(row.figure.low), short(row.figure.high));
        let met = if row.met() { "yes" } else { "no" };
        println!("{:<46} {ours:>14} {baseline:>14}   {figure:<14} {reach:<14} {spread:<16} {met}", row.what);
        if !row.note.is_empty() {
            println!("    {}", row.note);
        }
    }
}

/// All rows for a program.
pub fn json(rows: &[Row]) -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let (word, value) = match row.reach {
                Reach::AtMost(value) => ("at_most", value),
                Reach::AtLeast(value) => ("at_least", value),
            };
            json!({
                "what": row.what, "ours": row.ours, "baseline": row.baseline, "unit": row.unit,
                "figure": row.figure.middle, "low": row.figure.low, "high": row.figure.high, "figure_unit": row.of,
                "reach": { word: value }, "met": row.met(), "note": row.note,
            })
        })
        .collect();
    json!({
        "schema": 1,
        "machine": {
            "system": read("/proc/sys/kernel/osrelease"),
            "cores": std::thread::available_parallelism().map_or(0, usize::from),
            // Of the last minute, five and fifteen: what else the machine was doing.
            "load": read("/proc/loadavg"),
        },
        "rows": rows,
    })
}
