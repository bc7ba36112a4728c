//! How much room a text takes on a terminal, and cutting it to fit.

/// Ranges of characters that take two cells: East Asian wide and full-width, and what terminals draw as pictures. From
/// Unicode's EastAsianWidth.txt, joined where only unassigned characters lie between.
const WIDE: &[(char, char)] = &[
    ('\u{1100}', '\u{115f}'),
    ('\u{231a}', '\u{231b}'),
    ('\u{23e9}', '\u{23ec}'),
    ('\u{25fd}', '\u{25fe}'),
    ('\u{2614}', '\u{2615}'),
    ('\u{2648}', '\u{2653}'),
    ('\u{26a1}', '\u{26a1}'),
    ('\u{2705}', '\u{2705}'),
    ('\u{270a}', '\u{270b}'),
    ('\u{2728}', '\u{2728}'),
    ('\u{274c}', '\u{274c}'),
    ('\u{2753}', '\u{2755}'),
    ('\u{2757}', '\u{2757}'),
    ('\u{2795}', '\u{2797}'),
    ('\u{2b1b}', '\u{2b1c}'),
    ('\u{2b50}', '\u{2b50}'),
    ('\u{2b55}', '\u{2b55}'),
    ('\u{2e80}', '\u{303e}'),
    ('\u{3041}', '\u{a4cf}'),
    ('\u{a960}', '\u{a97f}'),
    ('\u{ac00}', '\u{d7a3}'),
    ('\u{f900}', '\u{faff}'),
    ('\u{fe10}', '\u{fe19}'),
    ('\u{fe30}', '\u{fe6f}'),
    ('\u{ff00}', '\u{ff60}'),
    ('\u{ffe0}', '\u{ffe6}'),
    ('\u{16fe0}', '\u{18aff}'),
    ('\u{1b000}', '\u{1b2ff}'),
    ('\u{1f300}', '\u{1f64f}'),
    ('\u{1f680}', '\u{1f6ff}'),
    ('\u{1f900}', '\u{1f9ff}'),
    ('\u{1fa70}', '\u{1faff}'),
    ('\u{20000}', '\u{3fffd}'),
];

/// Ranges of characters that are drawn over the one before: the common combining marks. What has no width at all has been
/// made visible before anything is drawn.
const OVER: &[(char, char)] = &[
    ('\u{300}', '\u{36f}'),
    ('\u{483}', '\u{489}'),
    ('\u{591}', '\u{5bd}'),
    ('\u{610}', '\u{61a}'),
    ('\u{64b}', '\u{65f}'),
    ('\u{1ab0}', '\u{1aff}'),
    ('\u{1dc0}', '\u{1dff}'),
    ('\u{20d0}', '\u{20ff}'),
    ('\u{fe0e}', '\u{fe0f}'),
    ('\u{fe20}', '\u{fe2f}'),
];

fn within(ranges: &[(char, char)], c: char) -> bool {
    let at = ranges.partition_point(|(_, last)| *last < c);
    ranges.get(at).is_some_and(|(first, _)| *first <= c)
}

/// Cells of a character.
fn cells(c: char) -> usize {
    match c {
        ' '..='~' => 1,
        c if within(OVER, c) => 0,
        c if within(WIDE, c) => 2,
        _ => 1,
    }
}

/// Cells of a text.
pub fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

/// As much of a text as has room, with `…` where it was cut.
pub fn fit(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut used = 0;
    for c in text.chars() {
        used += cells(c);
        if used >= most {
            break;
        }
        short.push(c);
    }
    if most > 0 {
        short.push('…');
    }
    short
}

/// A text cut or filled with spaces to just so many cells.
pub fn column(text: &str, cells: usize) -> String {
    let mut text = fit(text, cells);
    text.extend(std::iter::repeat_n(' ', cells.saturating_sub(width(&text))));
    text
}

/// A text as lines of at most so many cells, broken at spaces where there are any; at most so many lines.
pub fn wrap(text: &str, most: usize, lines: usize) -> Vec<String> {
    let most = most.max(1);
    let mut all: Vec<String> = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            if !line.is_empty() && width(&line) + 1 + width(word) > most {
                all.push(std::mem::take(&mut line));
            } else if !line.is_empty() {
                line.push(' ');
            }
            for c in word.chars() {
                if width(&line) + cells(c) > most {
                    all.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
        }
        all.push(line);
    }
    if all.len() > lines {
        all.truncate(lines);
        if let Some(last) = all.last_mut() {
            *last = format!("{} …", fit(last, most.saturating_sub(2)));
        }
    }
    all
}

/// A line as lines of at most so many cells, broken at spaces; a word is broken only if it is longer than a whole line. What
/// goes on stands below what it belongs to: below the text behind the line's first gap, else two further in than its beginning.
pub fn hang(text: &str, most: usize) -> Vec<String> {
    let most = most.max(1);
    if width(text) <= most {
        return vec![text.to_owned()];
    }
    let indent = " ".repeat(hanging(text, most));
    let mut lines = Vec::new();
    let mut line = String::new();
    let (mut gap, mut rest) = ("", text);
    while !rest.is_empty() {
        let word = rest.find(' ').map_or(rest, |end| rest.get(..end).unwrap_or(rest));
        let empty = line.trim_start().is_empty();
        if !empty && width(&line) + width(gap) + width(word) > most {
            lines.push(std::mem::take(&mut line));
            // Whole at the margin rather than broken below the text.
            line.push_str(if width(&indent) + width(word) <= most { &indent } else { "" });
        } else {
            line.push_str(gap);
        }
        for c in word.chars() {
            if width(&line) + cells(c) > most {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
        rest = rest.get(word.len()..).unwrap_or_default();
        let after = rest.trim_start_matches(' ');
        gap = rest.get(..rest.len() - after.len()).unwrap_or_default();
        rest = after;
    }
    lines.push(line);
    lines
}

/// Where the text begins that what goes on stands below: no further than the middle, so that there is room for it.
fn hanging(text: &str, most: usize) -> usize {
    let words = text.trim_start_matches(' ');
    let start = text.len() - words.len();
    let gap = words.find("  ").map(|at| words.get(at..).unwrap_or_default().trim_start_matches(' '));
    let behind = gap.and_then(|behind| text.strip_suffix(behind)).map(width);
    behind.filter(|at| *at <= most / 2).unwrap_or((start + 2).min(most / 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_two_cells_and_marks_none() {
        assert_eq!((width("ab"), width("漢字"), width("e\u{301}"), width("…")), (2, 4, 1, 1));
        assert!(WIDE.is_sorted() && OVER.is_sorted());
    }

    #[test]
    fn what_is_cut_fits_and_says_so() {
        assert_eq!(fit("hello", 5), "hello");
        assert_eq!(fit("hello!", 5), "hell…");
        assert_eq!(width(&fit("漢字漢字", 5)), 5);
        assert_eq!((fit("ab", 1).as_str(), fit("ab", 0).as_str()), ("…", ""));
        assert_eq!(column("漢", 4), "漢  ");
    }

    #[test]
    fn a_line_goes_on_below_its_text_and_no_word_is_broken_that_fits_a_line() {
        let short = "  cost       $0.62";
        assert_eq!(hang(short, 80), [short]);
        assert_eq!(hang("  cost  one two three four", 16), ["  cost  one two", "        three", "        four"]);
        assert_eq!(hang("  a path and more of it", 12), ["  a path and", "    more of", "    it"]);
        // A gap further on than the middle is no place to stand below.
        assert_eq!(hang("a long beginning  and its end", 20), ["a long beginning", "  and its end"]);
        assert_eq!(hang("ab  cdefghij", 8), ["ab", "cdefghij"]);
        assert_eq!(hang("x  abcdefghijkl", 5), ["x", "abcde", "fghij", "kl"]);
        assert_eq!(hang("  漢字漢字 漢字", 10), ["  漢字漢字", "    漢字"]);
        assert_eq!(hang("", 9), [""]);
        for most in 1..40 {
            let text = "3f  done, not verified        pit/3f-json   5 commits, 7 files";
            let lines = hang(text, most);
            assert!(lines.iter().all(|line| width(line) <= most), "{most}: {lines:?}");
            let letters = |text: &str| text.replace(' ', "");
            assert_eq!(letters(&lines.concat()), letters(text));
        }
    }

    #[test]
    fn a_text_is_broken_at_spaces() {
        assert_eq!(wrap("one two three", 7, 9), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3, 9), ["abc", "def", "gh"]);
        assert_eq!(wrap("a b c d", 1, 2).len(), 2);
        assert!(wrap("one two three four", 9, 1)[0].ends_with('…'));
    }
}
