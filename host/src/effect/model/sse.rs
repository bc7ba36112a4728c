//! Server-sent events, cut out of a body that arrives in pieces of any size.
//!
//! Written here because all that is needed is a screen long, and because both bounds must hold before anything is
//! kept: a server chooses neither how much memory an event takes nor how much a whole body does.

/// The largest event. A reply's reasoning item with its sealed contents can have a megabyte; nothing known has eight.
const MAX_EVENT: usize = 8 << 20;

/// The largest body. The longest reply any model gives (128,000 tokens) in single-token events is below 40 MiB.
const MAX_BODY: usize = 64 << 20;

/// One event: its name, which may be empty, and its data with the lines joined.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// The `event` field.
    pub name: String,
    /// The `data` fields, joined by line feeds.
    pub data: String,
}

/// A body that cannot be read on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// Over [`MAX_EVENT`].
    #[error("an event of the answer is larger than {} MiB", MAX_EVENT >> 20)]
    Event,
    /// Over [`MAX_BODY`].
    #[error("the answer is larger than {} MiB", MAX_BODY >> 20)]
    Body,
    /// An event that is not UTF-8.
    #[error("the answer is not UTF-8")]
    Text,
}

/// Takes bytes, gives events.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Event,
    size: usize,
    taken: usize,
    /// The last byte was a carriage return: a line feed right after it belongs to the same line's end.
    returned: bool,
    begun: bool,
}

impl Parser {
    /// Reads a piece of the body and hands each event that it completes to `to`.
    pub fn push(&mut self, bytes: &[u8], to: &mut Vec<Event>) -> Result<(), Unreadable> {
        self.taken = self.taken.saturating_add(bytes.len());
        if self.taken > MAX_BODY {
            return Err(Unreadable::Body);
        }
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            let after_return = std::mem::take(&mut self.returned);
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
            let (line, after) = rest.split_at(end);
            self.size += line.len();
            if self.size > MAX_EVENT {
                return Err(Unreadable::Event);
            }
            self.line.extend_from_slice(line);
            let Some((&ending, after)) = after.split_first() else { break };
            if !(after_return && first == b'\n') {
                self.returned = ending == b'\r';
                self.end_line(to)?;
            }
            rest = after;
        }
        Ok(())
    }

    /// Whether the body ended in the middle of an event: what there was of it does not count.
    pub fn is_cut(&self) -> bool {
        !self.line.is_empty() || !self.event.data.is_empty()
    }

    fn end_line(&mut self, to: &mut Vec<Event>) -> Result<(), Unreadable> {
        let bytes = std::mem::take(&mut self.line);
        let mut line = std::str::from_utf8(&bytes).map_err(|_| Unreadable::Text)?;
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            let mut event = std::mem::take(&mut self.event);
            self.size = 0;
            // An event without data is a ping or a lone comment.
            if event.data.pop().is_some() {
                to.push(event);
            }
            return Ok(());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                self.event.data.push_str(value);
                self.event.data.push('\n');
            }
            // Comments, `id` and `retry`: no stream of a reply is taken up again, it is asked for anew.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(pieces: &[&[u8]]) -> Result<(Vec<Event>, bool), Unreadable> {
        let (mut parser, mut events) = (Parser::default(), Vec::new());
        pieces.iter().try_for_each(|piece| parser.push(piece, &mut events))?;
        Ok((events, parser.is_cut()))
    }

    fn event(name: &str, data: &str) -> Event {
        Event { name: name.into(), data: data.into() }
    }

    const BODY: &str =
        "\u{feff}: hello\n\nevent: ping\ndata: {}\r\n\r\ndata: é\rdata:  two\r\rid: 7\nevent:x\n\ndata:end\n\n";

    #[test]
    fn any_split_gives_the_same_events() {
        let whole = vec![event("ping", "{}"), event("", "é\n two"), event("", "end")];
        assert_eq!(events(&[BODY.as_bytes()]).unwrap(), (whole.clone(), false));
        for at in 0..BODY.len() {
            let (head, tail) = BODY.as_bytes().split_at(at);
            assert_eq!(events(&[head, tail]).unwrap().0, whole, "split at {at}");
        }
        let bytes: Vec<&[u8]> = BODY.as_bytes().chunks(1).collect();
        assert_eq!(events(&bytes).unwrap().0, whole);
    }

    #[test]
    fn half_an_event_is_noticed_and_not_given() {
        assert_eq!(events(&[b"data: a\n\ndata: b\n"]).unwrap(), (vec![event("", "a")], true));
        assert_eq!(events(&[b"data: a\n\ndat"]).unwrap(), (vec![event("", "a")], true));
        assert_eq!(events(&[b"data: a\n\n: bye\n"]).unwrap(), (vec![event("", "a")], false));
    }

    #[test]
    fn no_server_chooses_how_much_is_kept() {
        let mut parser = Parser::default();
        let piece = vec![b'x'; 1 << 20];
        let full = (0..9).map(|_| parser.push(&piece, &mut Vec::new())).find_map(Result::err);
        assert_eq!(full, Some(Unreadable::Event));

        let mut parser = Parser { taken: MAX_BODY - 6, ..Parser::default() };
        assert_eq!(parser.push(b":\n\n:\n\n", &mut Vec::new()), Ok(()));
        assert_eq!(parser.push(b":", &mut Vec::new()), Err(Unreadable::Body));
        assert_eq!(events(&[b"data: \xff\n\n"]), Err(Unreadable::Text));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(pieces: Vec<Vec<u8>>) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let _ = events(&pieces);
        }
    }
}
