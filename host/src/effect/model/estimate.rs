//! How many tokens a request has, guessed without the model's tokenizer and never much too low.
//!
//! What a guess is for: the budget holds it before a request is sent, and a request that cannot fit is not sent. Too
//! high costs nothing (the hold is settled with what the server counted), too low would let a run spend more than it
//! may, so every constant here errs upwards.

use orchestra_pit_core::call::model::{Part, Reply, Request, Usage};

/// Bytes of a token, in tenths. English prose has about 4.5 bytes a token and source code about 3.3 by the tokenizers of
/// 2024; those of 2026 cut finer (Anthropic's documentation says up to 1.35 times as many tokens for the same text),
/// which makes 2.4 of the smaller one. Text made of digits, symbols or rare scripts can still have more tokens than
/// this says: the hold is then exceeded by the difference, once, and the ledger charges what was used.
const TENTH_BYTES: u64 = 24;

/// Tokens that wrap a message or a part: role, delimiters, ids.
const AROUND: u64 = 12;

/// Tokens that a provider adds for the instructions on how to call tools at all.
const TOOLS: u64 = 600;

/// Tokens of a text.
pub fn text(text: &str) -> u64 {
    bytes(text.len())
}

fn bytes(count: usize) -> u64 {
    (count as u64).saturating_mul(10).div_ceil(TENTH_BYTES)
}

fn part(part: &Part) -> u64 {
    let inside = match part {
        Part::Text(text) => bytes(text.len()),
        Part::ToolCall(call) => bytes(call.id.len() + call.name.len() + call.arguments.len()),
        Part::ToolResult(result) => bytes(result.id.len() + result.content.len()),
        // What is sealed inside is counted by the provider as what it unseals to, which is smaller.
        Part::Opaque(opaque) => bytes(opaque.data.len()),
    };
    inside + AROUND
}

/// Tokens of a whole request.
pub fn request(request: &Request) -> u64 {
    let tools: u64 = request
        .tools
        .iter()
        .map(|tool| bytes(tool.name.len() + tool.description.len() + tool.parameters.len()) + AROUND)
        .sum();
    let preamble = if request.tools.is_empty() { 0 } else { TOOLS };
    let schema = request.schema.as_deref().map_or(0, text);
    let messages: u64 =
        request.messages.iter().map(|message| AROUND + message.parts.iter().map(part).sum::<u64>()).sum();
    text(&request.system) + AROUND + preamble + tools + schema + messages
}

/// What a reply used, where the server did not say.
pub fn usage(asked: &Request, reply: &Reply) -> Usage {
    Usage { input: request(asked), output: reply.parts.iter().map(part).sum(), ..Usage::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guess_is_never_below_three_bytes_a_token() {
        let source = include_str!("estimate.rs");
        assert!(text(source) >= source.len() as u64 / 3);
        assert_eq!(text(""), 0);
        assert_eq!(text("a"), 1);
    }
}
