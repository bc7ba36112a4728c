//! How much a session may take: turns, and the model's window.

use orchestra_pit_sdk::model::Details;

/// Turns of a round, where nobody says otherwise; the host's budget has its own.
pub const TURNS: u32 = 60;

/// Tokens of one reply: a file of some hundred lines with room for thought. What it can cost at most is held in the
/// budget while it is under way, so more would starve siblings.
const OUTPUT: u32 = 16_000;

/// A window of this many tokens is assumed where nothing is known.
const CONTEXT: u64 = 32_000;

/// Shortenings of the conversation in one life: after these the agent starts anew, so that neither its memory nor the
/// journal it would be replayed from grows without end.
const COMPACTIONS: u32 = 3;

/// Limits of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Turns of a round.
    pub turns: u32,
    /// Tokens of a request and its reply together.
    pub context: u64,
    /// Tokens of a reply.
    pub output: u32,
    /// Shortenings in one life.
    pub compactions: u32,
}

impl Limits {
    /// Limits that suit a model.
    pub fn of(model: &Details, turns: u32) -> Self {
        let context = if model.context == 0 { CONTEXT } else { model.context };
        // A quarter of a small window leaves the conversation enough.
        let most = u32::try_from(context / 4).unwrap_or(u32::MAX);
        let own = u32::try_from(model.max_output).unwrap_or(u32::MAX);
        let output = OUTPUT.min(most).min(if own == 0 { u32::MAX } else { own });
        Self { turns, context, output, compactions: COMPACTIONS }
    }

    /// Tokens that the messages may have, beside so many of the system prompt and tools. The estimate of tokens is
    /// rough before the first reply, so a tenth is left free.
    pub fn window(&self, fixed: u64) -> u64 {
        let free = self.context.saturating_sub(u64::from(self.output));
        (free - free / 10).saturating_sub(fixed)
    }

    /// Whether the model is warned when so many turns are left: early enough to wind up, and at the last.
    pub fn warns(&self, left: u32) -> bool {
        left == 1 || left == (self.turns / 10).clamp(2, 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(context: u64, max_output: u64) -> Details {
        Details { name: "x/y".into(), family: "z".into(), context, max_output, more: Vec::new() }
    }

    #[test]
    fn limits_follow_the_model() {
        let large = Limits::of(&details(200_000, 64_000), 60);
        assert_eq!((large.output, large.window(10_000)), (16_000, 155_600));
        let small = Limits::of(&details(8_192, 0), 60);
        assert_eq!((small.output, small.window(1_000)), (2_048, 4_530));
        assert_eq!(Limits::of(&details(0, 500), 60).context, 32_000);
        assert_eq!(small.window(1_000_000), 0);
    }

    #[test]
    fn the_end_is_announced_twice() {
        let limits = Limits::of(&details(0, 0), 60);
        assert_eq!((0..60).filter(|left| limits.warns(*left)).collect::<Vec<_>>(), [1, 5]);
    }
}
