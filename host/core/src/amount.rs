//! Money and lengths of time as people write them: `5.00` US dollars, `"90s"`, `"60m"`, `"1h30m"`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// Millionths of a US dollar. Written as a number of dollars.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Usd(pub u64);

impl Usd {
    /// The most that can be written: far above any run, far below where an f64 loses a millionth.
    pub const MAX: Self = Self(1_000_000 * 1_000_000);

    /// A number of dollars; none for what is negative, not a number or above [`Self::MAX`].
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        let micro = (dollars * 1e6).round();
        (0.0..=Self::MAX.0 as f64).contains(&micro).then_some(Self(micro as u64))
    }
}

impl fmt::Display for Usd {
    /// `$0.38`; more digits where there are any, so that a small price is not shown as nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, micro) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if micro % 10_000 == 0 {
            return write!(f, "${whole}.{:02}", micro / 10_000);
        }
        write!(f, "${whole}.{}", format!("{micro:06}").trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(from)?;
        Self::from_dollars(dollars)
            .ok_or_else(|| D::Error::custom("not an amount: US dollars are written as a number from 0 to 1000000"))
    }
}

/// Microseconds that a person wrote as seconds, minutes and hours.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Span(pub u64);

/// Why a text is not a length of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a length of time: write it as \"90s\", \"60m\" or \"1h30m\", up to \"1000h\"")]
pub struct NotASpan;

impl Span {
    /// The most that can be written.
    pub const MAX: Self = Self(1_000 * 3_600 * 1_000_000);

    /// Reads `90s`, `60m`, `1h30m`; each unit once, the longest first, and not nothing at all.
    pub fn parse(text: &str) -> Result<Self, NotASpan> {
        let (mut rest, mut total) = (text, 0_u64);
        for (unit, seconds) in [('h', 3_600), ('m', 60), ('s', 1)] {
            let Some((digits, after)) = rest.split_once(unit) else { continue };
            if digits.is_empty() || digits.len() > 7 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(NotASpan);
            }
            total += digits.parse::<u64>().map_err(|_| NotASpan)? * seconds;
            rest = after;
        }
        let micros = total * 1_000_000;
        if text.is_empty() || !rest.is_empty() || micros > Self::MAX.0 { Err(NotASpan) } else { Ok(Self(micros)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / 1_000_000;
        let parts = [(seconds / 3_600, 'h'), (seconds % 3_600 / 60, 'm'), (seconds % 60, 's')];
        if seconds == 0 {
            return f.write_str("0s");
        }
        // Sixty minutes are what people say, and what they wrote.
        if seconds == 3_600 {
            return f.write_str("60m");
        }
        parts.iter().filter(|(count, _)| *count > 0).try_for_each(|(count, unit)| write!(f, "{count}{unit}"))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_exact_to_a_millionth() {
        for (written, micro, shown) in [
            (5.0, 5_000_000, "$5.00"),
            (0.1, 100_000, "$0.10"),
            (0.000_001, 1, "$0.000001"),
            (1.255, 1_255_000, "$1.255"),
            (0.0, 0, "$0.00"),
            (1e6, Usd::MAX.0, "$1000000.00"),
        ] {
            let usd = Usd::from_dollars(written).unwrap();
            assert_eq!((usd.0, usd.to_string().as_str()), (micro, shown));
        }
        for bad in [-0.01, f64::NAN, f64::INFINITY, 1e7] {
            assert_eq!(Usd::from_dollars(bad), None);
        }
    }

    #[test]
    fn lengths_of_time() {
        for (text, seconds, shown) in [
            ("90s", 90, "1m30s"),
            ("60m", 3_600, "60m"),
            ("1h30m", 5_400, "1h30m"),
            ("2h", 7_200, "2h"),
            ("0s", 0, "0s"),
        ] {
            let span = Span::parse(text).unwrap();
            assert_eq!((span.0, span.to_string().as_str()), (seconds * 1_000_000, shown));
        }
        for bad in ["", "60", "m", "1m1h", "1m1m", "1.5h", "-1m", "1001h", "99999999s", "1h ", "१h"] {
            assert_eq!(Span::parse(bad), Err(NotASpan), "{bad}");
        }
    }
}
