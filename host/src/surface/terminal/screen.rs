//! Lines that stay and scroll up, and below them a few that are redrawn in place.
//!
//! The redrawn ones are never wider than the terminal, and never more than it has rows: where the cursor is then follows
//! from how many were drawn.

use super::width::{fit, width};

/// How a line is shown where colours are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Look {
    /// As it is.
    #[default]
    Plain,
    /// It wants a person.
    Strong,
    /// It is over.
    Faint,
    /// Something was refused.
    Warning,
}

/// One line of the part that is redrawn.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row {
    /// What it says; already safe to show.
    pub text: String,
    /// How.
    pub look: Look,
}

impl Row {
    /// A plain line.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), look: Look::Plain }
    }

    /// A line with a look.
    pub fn new(text: impl Into<String>, look: Look) -> Self {
        Self { text: text.into(), look }
    }
}

/// Columns and rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Columns.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

/// What a terminal shows.
#[derive(Debug)]
pub struct Screen {
    size: Size,
    colours: bool,
    drawn: Vec<Row>,
}

impl Screen {
    /// Nothing drawn yet.
    pub fn new(size: Size, colours: bool) -> Self {
        Self { size, colours, drawn: Vec::new() }
    }

    /// How much room there is.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The terminal has another size now. What was drawn is drawn anew with the next [`draw`](Self::draw).
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }

    /// What to write so that these lines stand above, for good, and the redrawn part again below.
    pub fn say(&mut self, lines: &[String]) -> String {
        let below = std::mem::take(&mut self.drawn);
        let mut out = self.wipe(&below);
        for line in lines {
            out.push_str(line);
            out.push_str("\r\n");
        }
        out.push_str(&self.put(below));
        out
    }

    /// What to write so that just these lines are shown below; nothing if they are already.
    pub fn draw(&mut self, rows: Vec<Row>) -> String {
        let rows: Vec<Row> = rows
            .into_iter()
            // The last row is left free: a terminal that is written to its very end scrolls.
            .take(self.size.rows.saturating_sub(1))
            .map(|row| Row { text: fit(&row.text, self.size.columns.saturating_sub(1)), ..row })
            .collect();
        if rows == self.drawn {
            return String::new();
        }
        let below = std::mem::take(&mut self.drawn);
        let mut out = self.wipe(&below);
        out.push_str(&self.put(rows));
        out
    }

    /// What to write so that nothing is shown below.
    pub fn clear(&mut self) -> String {
        let below = std::mem::take(&mut self.drawn);
        self.wipe(&below)
    }

    fn put(&mut self, rows: Vec<Row>) -> String {
        // Without wrapping, whatever width a terminal gives to a character.
        let mut out = if rows.is_empty() { String::new() } else { "\x1b[?7l".to_owned() };
        for (at, row) in rows.iter().enumerate() {
            if at > 0 {
                out.push_str("\r\n");
            }
            let look = if self.colours { row.look } else { Look::Plain };
            let (start, end) = match look {
                Look::Plain => ("", ""),
                Look::Strong => ("\x1b[1;33m", "\x1b[0m"),
                Look::Faint => ("\x1b[2m", "\x1b[0m"),
                Look::Warning => ("\x1b[31m", "\x1b[0m"),
            };
            out.push_str(start);
            out.push_str(&row.text);
            out.push_str(end);
        }
        if !rows.is_empty() {
            out.push_str("\x1b[?7h");
        }
        self.drawn = rows;
        out
    }

    /// Back to where the redrawn part began, and everything from there on removed. A terminal that has become narrower has
    /// broken its lines since.
    fn wipe(&self, below: &[Row]) -> String {
        if below.is_empty() {
            return String::new();
        }
        let columns = self.size.columns.max(1);
        let lines: usize = below.iter().map(|row| width(&row.text).div_ceil(columns).max(1)).sum();
        match lines {
            0 | 1 => "\r\x1b[J".to_owned(),
            more => format!("\r\x1b[{}A\x1b[J", more - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen() -> Screen {
        Screen::new(Size { columns: 10, rows: 4 }, false)
    }

    #[test]
    fn only_what_changed_is_written() {
        let mut screen = screen();
        assert_eq!(screen.draw(vec![Row::plain("a"), Row::plain("b")]), "\x1b[?7la\r\nb\x1b[?7h");
        assert_eq!(screen.draw(vec![Row::plain("a"), Row::plain("b")]), "");
        assert_eq!(screen.draw(vec![Row::plain("c")]), "\r\x1b[1A\x1b[J\x1b[?7lc\x1b[?7h");
        assert_eq!(screen.clear(), "\r\x1b[J");
        assert_eq!(screen.clear(), "");
    }

    #[test]
    fn what_stays_is_written_above_what_is_redrawn() {
        let mut screen = screen();
        let _ = screen.draw(vec![Row::plain("table")]);
        assert_eq!(screen.say(&["told".to_owned()]), "\r\x1b[Jtold\r\n\x1b[?7ltable\x1b[?7h");
    }

    #[test]
    fn it_never_has_more_than_the_terminal() {
        let mut screen = screen();
        let rows = (0..9).map(|_| Row::plain("a long line that would wrap")).collect();
        let out = screen.draw(rows);
        assert_eq!(out.matches('…').count(), 3);
        assert!(out.contains("a long l…"));
    }

    #[test]
    fn a_narrower_terminal_has_broken_the_lines() {
        let mut screen = screen();
        let _ = screen.draw(vec![Row::plain("12345678"), Row::plain("1")]);
        screen.resize(Size { columns: 4, rows: 4 });
        assert!(screen.draw(vec![Row::plain("x")]).starts_with("\r\x1b[2A\x1b[J"));
    }

    #[test]
    fn colours_are_there_only_where_they_are_wanted() {
        let row = || vec![Row::new("!", Look::Strong)];
        assert!(!screen().draw(row()).contains("\x1b[1;33m"));
        assert!(Screen::new(Size { columns: 9, rows: 9 }, true).draw(row()).contains("\x1b[1;33m!\x1b[0m"));
    }
}
