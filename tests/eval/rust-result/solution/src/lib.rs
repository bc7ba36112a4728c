//! Sums of lists.

/// The sum of the numbers, a line each.
///
/// # Errors
/// The number of the first line that is no number, from 1.
pub fn sum(text: &str) -> Result<i64, usize> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(at, line)| line.parse::<i64>().map_err(|_| at + 1)).sum()
}

/// The average of the numbers, rounded towards zero; none without a number.
///
/// # Errors
/// As [`sum`].
pub fn average(text: &str) -> Result<Option<i64>, usize> {
    let count = text.lines().filter(|line| !line.is_empty()).count() as i64;
    let sum = sum(text)?;
    Ok((count > 0).then(|| sum / count))
}
