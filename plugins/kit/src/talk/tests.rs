//! That a conversation keeps its promises, whatever is said in it.

use super::saved::Saved;
use super::*;
use orchestra_pit_sdk::model::Opaque;

const TASK: &str = "# Task\n\nAdd --json\n\n# Criteria\n\n- c1: prints JSON\n";

fn call(id: &str, name: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: r#"{"path":"a"}"#.into() })
}

fn result(id: &str, content: &str) -> ToolResult {
    ToolResult { id: id.into(), content: content.into(), is_error: false }
}

/// Every call has its result in the message after it, and nothing else has one.
#[track_caller]
fn assert_paired(talk: &Talk) {
    for (at, message) in talk.messages().iter().enumerate() {
        assert_eq!(message.role == Role::Assistant, at % 2 == 1, "roles alternate, beginning with the user");
        assert!(!message.parts.is_empty());
        let called: Vec<&str> = calls(message).map(|call| call.id.as_str()).collect();
        let answered: Vec<&str> = talk.messages().get(at + 1).map(results_of).unwrap_or_default();
        if at + 1 < talk.messages().len() {
            assert_eq!(called, answered, "at message {at}");
        }
        if at == 0 {
            assert!(results_of(message).is_empty());
        }
    }
}

fn results_of(message: &Message) -> Vec<&str> {
    let results = message.parts.iter().filter_map(|part| if let Part::ToolResult(r) = part { Some(r) } else { None });
    results.map(|result| result.id.as_str()).collect()
}

fn text_of(message: &Message) -> String {
    message
        .parts
        .iter()
        .filter_map(|part| if let Part::Text(text) = part { Some(text.as_str()) } else { None })
        .collect()
}

/// A number that looks random and is the same in each run.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// One round of one to three calls with results of some size.
fn round(talk: &mut Talk, turn: u64, seed: &mut u64, most: u64) {
    let count = 1 + next(seed) % 3;
    let opaque = Part::Opaque(Opaque { protocol: "messages".into(), data: vec![0xff, turn as u8] });
    let mut parts = vec![opaque, Part::Text(format!("turn {turn}"))];
    parts.extend((0..count).map(|n| call(&format!("{turn}.{n}"), "view")));
    talk.reply(&parts);
    let size = |seed: &mut u64| usize::try_from(next(seed) % most).unwrap();
    talk.answer((0..count).map(|n| result(&format!("{turn}.{n}"), &"x".repeat(size(seed)))).collect());
}

#[test]
fn what_was_sent_stays_to_the_byte() {
    let mut talk = Talk::new(TASK);
    let mut seed = 1;
    for turn in 0..20 {
        let before = talk.messages().to_vec();
        round(&mut talk, turn, &mut seed, 500);
        assert_eq!(talk.messages().get(..before.len()), Some(before.as_slice()));
    }
    assert_paired(&talk);
}

#[test]
fn a_call_left_open_is_answered_and_results_come_before_words() {
    let mut talk = Talk::new(TASK);
    talk.reply(&[call("1", "view"), call("2", "view")]);
    talk.answer(vec![result("2", "two")]);
    talk.tell("one turn is left");
    assert_paired(&talk);
    let last = talk.messages().last().unwrap();
    assert!(matches!(last.parts.as_slice(), [Part::ToolResult(a), Part::ToolResult(_), Part::Text(_)] if a.is_error));
    talk.reply(&[]);
    talk.tell("go on");
    assert_paired(&talk);
}

#[test]
fn three_windows_later_the_task_is_there_and_nothing_is_parted() {
    for start in 0..40_u64 {
        let (mut seed, room) = (start, 12_000);
        let mut talk = Talk::new(TASK);
        talk.tell_standing("# Remark\n\nkeep the old flag");
        let (mut written, mut compactions, mut turn) = (0, 0, 0);
        while written < 3 * room {
            let before = talk.bytes();
            round(&mut talk, turn, &mut seed, 3_000);
            if turn == 7 {
                talk.tell_standing("# Remark\n\nno new dependency");
            }
            written += talk.bytes() - before;
            if talk.bytes() > room {
                talk.compact(room / 2, "# Open failures\n\n- edit a: not there\n");
                compactions += 1;
                assert_paired(&talk);
                assert!(talk.bytes() <= room / 2, "{} bytes at {start}", talk.bytes());
                let first = text_of(talk.messages().first().unwrap());
                assert!(first.starts_with(TASK) && first.contains("# Open failures\n\n- edit a"), "{first}");
                let last = talk.messages().last().unwrap();
                let kept = results_of(last).iter().all(|id| id.starts_with(&format!("{turn}.")));
                assert!(kept && talk.messages().len() >= 3, "the last round stays");
                let all: String = talk.messages().iter().map(text_of).collect();
                assert_eq!(all.matches("keep the old flag").count(), 1, "{all}");
                assert_eq!(all.matches("no new dependency").count(), usize::from(turn >= 7), "{all}");
            }
            turn += 1;
        }
        assert!(compactions >= 3, "{compactions} at {start}");
    }
}

#[test]
fn a_round_larger_than_the_room_is_cut_and_at_worst_goes() {
    let mut talk = Talk::new(TASK);
    talk.reply(&[call("1", "view")]);
    talk.answer(vec![result("1", &"line\n".repeat(4_000))]);
    talk.tell_standing("# Remark\n\nhurry");
    let mut tiny = talk.clone();
    talk.compact(4_000, "");
    assert!(talk.bytes() <= 4_000 && talk.messages().len() == 3, "{}", talk.bytes());
    assert_paired(&talk);

    tiny.compact(900, "");
    assert_eq!(tiny.messages().len(), 1);
    let first = text_of(tiny.messages().first().unwrap());
    assert!(first.contains("hurry") && first.contains("- view {\"path\":\"a\"}\n-   answered: line"), "{first}");
    tiny.tell("go on");
    tiny.reply(&[call("2", "view")]);
    tiny.answer(vec![result("2", "ok")]);
    tiny.compact(900, "");
    assert_paired(&tiny);
    assert_eq!(text_of(tiny.messages().first().unwrap()).matches("hurry").count(), 1);
}

#[test]
fn the_first_text_is_the_same_bytes_after_each_compaction() {
    let mut talk = Talk::new(TASK);
    for turn in 0..30 {
        round(&mut talk, turn, &mut 7, 900);
        if turn % 10 == 9 {
            talk.compact(4_000, "");
            assert_eq!(
                talk.messages().first().and_then(|first| first.parts.first()),
                Some(&Part::Text(TASK.to_owned()))
            );
        }
    }
}

#[test]
fn saved_and_restored_it_is_the_same() {
    let mut talk = Talk::new(TASK);
    let mut seed = 3;
    for turn in 0..5 {
        round(&mut talk, turn, &mut seed, 400);
    }
    talk.tell_standing("# Remark\n\nhm");
    talk.measured(3000, 900);
    let bytes = serde_json::to_vec(&Saved::from(&talk)).unwrap();
    let back: Saved = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(back.restore(), Some(talk));
}

#[test]
fn what_is_no_conversation_is_not_restored() {
    let two_users = r#"{"messages":[{"model":false,"parts":[]},{"model":false,"parts":[]}],"log":[],"standing":[],"carried":[],"rate":300}"#;
    assert_eq!(serde_json::from_str::<Saved>(two_users).unwrap().restore(), None);
    let none = r#"{"messages":[],"log":[],"standing":[],"carried":[],"rate":300}"#;
    assert_eq!(serde_json::from_str::<Saved>(none).unwrap().restore(), None);
}

#[test]
fn tokens_follow_what_the_server_counted() {
    let mut talk = Talk::new("");
    assert_eq!(talk.tokens_of(3000), 1002);
    talk.measured(4000, 1000);
    assert_eq!((talk.tokens_of(4000), talk.bytes_of(1000)), (1000, 4000));
    talk.measured(10, 1_000_000);
    assert_eq!(talk.tokens_of(1000), 1000, "no byte is more than a token");
}
