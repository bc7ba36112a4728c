//! Sums of lists.

/// The sum of the numbers, a line each.
pub fn sum(text: &str) -> i64 {
    text.lines().map(|line| line.parse::<i64>().unwrap()).sum()
}

/// The average of the numbers, rounded towards zero; none without a number.
pub fn average(text: &str) -> Option<i64> {
    let count = text.lines().filter(|line| !line.is_empty()).count() as i64;
    (count > 0).then(|| sum(text) / count)
}
