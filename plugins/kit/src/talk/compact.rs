//! Making a conversation fit: the task stays, the last rounds stay, what is between becomes a log of one line each.
//!
//! No model writes that log: it would cost a call as large as the window, just when money may be short, and could
//! leave out the very thing that matters. What a line says is what was called and what came of it.

use super::{Talk, long, weight};
use crate::tool::{cap, first_line};
use orchestra_pit_sdk::model::{Message, Part, Role};

/// Lines of the log that are kept, if a quarter of the room holds them: older ones are about nothing that the model
/// could still act on.
const LOG: usize = 120;

/// Characters of one line of the log.
const LINE: usize = 160;

/// Bytes that a result keeps at least when it is cut; with less it says nothing.
const LEAST: u64 = 200;

const HEAD: &str = "# So far\n\nThe earlier part of this conversation was left out to make room. This is its log; look \
                    again at what you need.\n\n";

impl Talk {
    /// Shortens the conversation to `room` bytes, if that can be done: the older rounds go, then the results of the
    /// last one are cut, then it goes too. What was said first stays, and what people said, and `sections`: what the
    /// agent knows and the model must not forget.
    pub fn compact(&mut self, room: u64, sections: &str) {
        self.settle();
        let mut from = self.first_that_fits(room, sections);
        let kept: u64 = self.messages.get(from..).unwrap_or_default().iter().map(weight).sum();
        let space = room.saturating_sub(self.head(room, sections));
        if kept > space && !self.cut_results(from, space) {
            from = self.messages.len();
        }
        self.leave_out(from, room / 4);
        let digest = self.digest(sections);
        if let Some(first) = self.messages.first_mut() {
            first.parts.truncate(1);
            first.parts.push(Part::Text(digest));
        }
    }

    /// Makes the last message a user's, with no call left open.
    fn settle(&mut self) {
        if self.messages.last().is_some_and(|last| last.role != Role::User) {
            self.results(Vec::new(), Some(Part::Text("Go on.".to_owned())));
        }
    }

    /// The index of the first message that can stay, which is a reply: a round is a reply and what answers it. The last
    /// round stays in any case.
    fn first_that_fits(&self, room: u64, sections: &str) -> usize {
        let last = self.messages.len();
        let (mut from, mut used) = (last, self.head(room, sections));
        while from > 2 {
            let round = self.messages.get(from - 2..from).unwrap_or_default();
            used += round.iter().map(weight).sum::<u64>();
            if used > room && from < last {
                break;
            }
            from -= 2;
        }
        from
    }

    /// About the bytes of the first message when it has its digest.
    fn head(&self, room: u64, sections: &str) -> u64 {
        let first = self.messages.first().and_then(|first| first.parts.first());
        let first = first.map_or(0, |part| if let Part::Text(text) = part { long(text) } else { 0 });
        let said: u64 =
            self.standing.iter().map(|(_, text)| long(text)).chain(self.carried.iter().map(|c| long(c))).sum();
        // Each message that goes adds a line or two, most of them far shorter than they may be.
        let log = u64::try_from((self.log.len() + 2 * self.messages.len()).min(LOG) * LINE / 2).unwrap_or(u64::MAX);
        first + said + log.min(room / 4) + long(sections) + long(HEAD) + 200
    }

    /// Cuts the results of the only round that stays to `room` bytes. `false` if that cannot be.
    fn cut_results(&mut self, from: usize, room: u64) -> bool {
        let kept: u64 = self.messages.get(from..).unwrap_or_default().iter().map(weight).sum();
        let Some(Message { parts, .. }) = self.messages.get_mut(from + 1) else { return false };
        let results =
            || parts.iter().filter_map(|part| if let Part::ToolResult(result) = part { Some(result) } else { None });
        let (count, bytes) =
            results().fold((0_u64, 0), |(count, bytes), result| (count + 1, bytes + long(&result.content)));
        let fixed = kept.saturating_sub(bytes);
        let each = room.saturating_sub(fixed).checked_div(count).unwrap_or(0);
        if each < LEAST {
            return false;
        }
        // The line that says so has its place too.
        let most = usize::try_from(each).unwrap_or(usize::MAX).saturating_sub(100);
        for part in parts {
            if let Part::ToolResult(result) = part {
                result.content = cap(&result.content, most, "the rest was left out to make room; ask for less");
            }
        }
        true
    }

    /// Takes out the messages between the first and `from`, and notes what they did in a log of at most `room` bytes.
    fn leave_out(&mut self, from: usize, room: u64) {
        let gone: Vec<Message> = self.messages.drain(1..from.max(1)).collect();
        for message in &gone {
            note(message, &mut self.log);
        }
        let mut bytes = 0;
        let fits = |line: &&String| {
            bytes += long(line) + 1;
            bytes <= room
        };
        let kept = self.log.iter().rev().take(LOG).take_while(fits).count();
        let surplus = self.log.len() - kept;
        self.log.drain(..surplus);
        if let Some(oldest) = self.log.first_mut().filter(|_| surplus > 0) {
            *oldest = "- (older lines were left out)".to_owned();
        }
        // The first message loses all but its first part.
        let (over, stay): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.standing).into_iter().partition(|(at, _)| *at < from);
        self.carried.extend(over.into_iter().map(|(_, text)| text));
        self.standing = stay.into_iter().map(|(at, text)| (at - gone.len(), text)).collect();
    }

    fn digest(&self, sections: &str) -> String {
        let mut text = HEAD.to_owned();
        for line in &self.log {
            text.push_str(line);
            text.push('\n');
        }
        for block in self.carried.iter().map(String::as_str).chain([sections]).filter(|block| !block.is_empty()) {
            text.push('\n');
            text.push_str(block.trim_end());
            text.push('\n');
        }
        text
    }
}

/// What a message did, a line for each thing.
fn note(message: &Message, lines: &mut Vec<String>) {
    for part in &message.parts {
        let line = match part {
            Part::Text(text) if message.role == Role::Assistant => first_line(text, LINE),
            Part::ToolCall(call) => format!("{} {}", call.name, first_line(&call.arguments, LINE / 2)),
            Part::ToolResult(result) if result.is_error => {
                format!("  failed: {}", first_line(&result.content, LINE / 2))
            }
            Part::ToolResult(result) => format!("  answered: {}", first_line(&result.content, LINE / 2)),
            Part::Text(_) | Part::Opaque(_) | Part::Other(_) => continue,
        };
        if !line.is_empty() {
            lines.push(format!("- {line}"));
        }
    }
}
