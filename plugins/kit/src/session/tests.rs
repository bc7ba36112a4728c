//! That the loop keeps its promises, with a role that only echoes.

use super::*;
use crate::testing::{Fake, calls, reply, text_of, words};
use orchestra_pit_sdk::model::{Choice, Details, Message, Opaque, Request};

/// Calls `echo` with its arguments as the answer, `fail`, `end`, `stop`.
#[derive(Default)]
struct Echo;

impl Role for Echo {
    type Done = String;

    fn call(&mut self, _host: &dyn Host, call: &ToolCall) -> Step<String> {
        match call.name.as_str() {
            "echo" => Step::Said(Answer::done("echo", call.arguments.clone())),
            "big" => Step::Said(Answer::done("big", format!("{}{}", call.arguments, "x".repeat(9_000)))),
            "fail" => Step::failed(format!("fail {}", call.arguments), Error::new("conflict", "no such text")),
            "stop" => Step::failed("stop", Error::new("exhausted", "no calls are left")),
            "end" => Step::Done(call.arguments.clone(), "taken".into()),
            other => Step::failed(other, Error::new("invalid", "no such tool")),
        }
    }

    fn final_call(&self, call: &ToolCall) -> bool {
        call.name == "end"
    }

    fn ends(&self, call: &ToolCall) -> bool {
        call.name == "end"
    }

    fn sections(&self) -> String {
        "# Todo\n\n- [ ] finish\n".into()
    }

    fn idle(&self) -> &str {
        "Call a tool."
    }
}

const TASK: &str = "# Task\n\nEcho\n";

fn session(limits: Limits) -> Session {
    Session::new(Talk::new(TASK), "Be an echo.".into(), Vec::new(), Spoken::Calls, limits)
}

fn roomy() -> Limits {
    Limits { turns: 60, context: 200_000, output: 1_000, compactions: 3 }
}

fn run(host: &Fake, session: &mut Session) -> Ended<String> {
    let ended = session.run(host, &mut Echo);
    assert_well_formed(&host.requests.borrow());
    ended
}

fn failure<D: std::fmt::Debug>(ended: Ended<D>) -> Failure {
    match ended {
        Ended::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

/// Roles alternate, calls and results are paired, system and tools never change.
#[track_caller]
fn assert_well_formed(requests: &[Request]) {
    for request in requests {
        assert_eq!((&request.system, &request.tools), (&requests[0].system, &requests[0].tools));
        assert!(text_of(&request.messages[0]).starts_with(TASK));
        for (at, message) in request.messages.iter().enumerate() {
            let called: Vec<&str> = talk::calls(message).map(|call| call.id.as_str()).collect();
            let answered: Vec<&str> = request.messages.get(at + 1).map(results).unwrap_or_default();
            assert_eq!(called, answered);
        }
    }
}

fn results(message: &Message) -> Vec<&str> {
    message
        .parts
        .iter()
        .filter_map(|part| if let Part::ToolResult(r) = part { Some(r.id.as_str()) } else { None })
        .collect()
}

#[test]
fn all_calls_of_a_reply_are_answered_together_and_prefixes_stay() {
    let host = Fake::new("claude", &[]).replies([
        calls(&[("echo", "{\"n\":1}"), ("echo", "{\"n\":2}")]),
        calls(&[("fail", "{}"), ("echo", "{\"n\":3}")]),
        calls(&[("end", "{\"ok\":true}")]),
    ]);
    let mut session = session(roomy());
    assert!(matches!(run(&host, &mut session), Ended::Done(done) if done == "{\"ok\":true}"));
    let requests = host.requests.borrow();
    for pair in requests.windows(2) {
        let [before, after] = pair else { unreachable!() };
        assert_eq!(after.messages.get(..before.messages.len()), Some(before.messages.as_slice()));
        assert_eq!(after.messages.len(), before.messages.len() + 2);
    }
    assert_eq!(session.talk.messages().len(), 7, "the end is answered too");
}

#[test]
fn opaque_parts_go_back_as_they_came() {
    let opaque = Part::Opaque(Opaque { protocol: "messages".into(), data: vec![0, 0xff, 7] });
    let call = ToolCall { id: "a".into(), name: "echo".into(), arguments: "{}".into() };
    let parts = vec![opaque, Part::Text("hm".into()), Part::ToolCall(call)];
    let host = Fake::new("claude", &[]).replies([Ok(reply(parts.clone(), Stop::ToolCalls)), calls(&[("end", "{}")])]);
    run(&host, &mut session(roomy()));
    assert_eq!(host.requests.borrow()[1].messages[1].parts, parts);
}

#[test]
fn the_end_does_not_follow_a_failure_of_the_same_reply() {
    let host = Fake::new("claude", &[]).replies([calls(&[("fail", "{}"), ("end", "{}")]), calls(&[("end", "{}")])]);
    assert!(matches!(run(&host, &mut session(roomy())), Ended::Done(_)));
    assert!(host.last_told().contains("a call before it in the same reply failed"), "{}", host.last_told());
}

#[test]
fn remarks_and_notes_come_before_the_next_call() {
    let host = Fake::new("claude", &[]).replies([calls(&[("echo", "{}")]), calls(&[("end", "{}")])]);
    host.remarks.replace(vec![(0, "first".into()), (1, "use tabs".into())]);
    host.post(TEAM, "t2 is done").unwrap();
    run(&host, &mut session(roomy()));
    let requests = host.requests.borrow();
    let first = text_of(&requests[0].messages[0]);
    assert!(first.contains("# Remark from the person\n\nfirst") && first.contains("# Note from coder\n\nt2 is done"));
    let last = requests[1].messages.last().unwrap();
    assert!(matches!(last.parts.as_slice(), [Part::ToolResult(_), Part::Text(text)] if text.ends_with("use tabs")));
}

#[test]
fn a_remark_that_comes_just_before_the_end_holds_it_back() {
    let host = Fake::new("claude", &[]).replies([calls(&[("end", "{\"n\":1}")]), calls(&[("end", "{\"n\":2}")])]);
    host.remarks.replace(vec![(1, "and the docs?".into())]);
    assert!(matches!(run(&host, &mut session(roomy())), Ended::Done(done) if done == "{\"n\":2}"));
    let told = host.last_told();
    assert!(
        told.starts_with("The work is not ended yet") && told.ends_with("# Remark from the person\n\nand the docs?")
    );
}

#[test]
fn a_lost_answer_is_asked_for_once_more() {
    let lost = || Err(Error::new("interrupted", "it is not known whether it was sent"));
    let host = Fake::new("claude", &[]).replies([lost(), calls(&[("end", "{}")])]);
    assert!(matches!(run(&host, &mut session(roomy())), Ended::Done(_)));
    let host = Fake::new("claude", &[]).replies([lost(), lost()]);
    assert_eq!(failure(run(&host, &mut session(roomy()))).kind, "interrupted");
}

#[test]
fn what_is_refused_once_is_not_asked_again() {
    let host = Fake::new("claude", &[]).replies([calls(&[("echo", "{}")]), calls(&[("end", "{}")])]);
    for call in ["remarks", "notes"] {
        host.refuse(call, Error::new("denied", "no grant"));
    }
    let mut session = session(roomy());
    run(&host, &mut session);
    assert!(session.deaf && session.alone);
}

#[test]
fn the_second_same_failure_makes_it_think_and_the_third_stops() {
    let host = Fake::new("claude", &[]).replies([
        calls(&[("fail", "{\"a\":1}")]),
        calls(&[("fail", "{\"a\":1}")]),
        words("Next step: look at the file."),
        calls(&[("fail", "{\"a\":1}")]),
    ]);
    let failure = failure(run(&host, &mut session(roomy())));
    assert_eq!(failure.kind, "stuck");
    assert!(failure.message.contains("fail {\"a\":1}: conflict: no such text"), "{}", failure.message);
    let requests = host.requests.borrow();
    let choices: Vec<bool> = requests.iter().map(|request| request.choice == Choice::None).collect();
    assert_eq!(choices, [false, false, true, false]);
    let asked = text_of(requests[2].messages.last().unwrap());
    assert!(asked.contains("# Reflection") && asked.matches("conflict: no such text").count() == 3, "{asked}");
}

#[test]
fn a_step_that_is_no_other_ends_it() {
    let fails = |n: u32| calls(&[("fail", &format!("{{\"n\":{n}}}"))]);
    let host = Fake::new("claude", &[]).replies([
        fails(1),
        fails(1),
        words("Next step: search."),
        calls(&[("echo", "{}")]),
        fails(2),
        fails(2),
        words("Next step: Search!"),
        words(""),
    ]);
    let failure = failure(run(&host, &mut session(roomy())));
    assert_eq!((failure.kind.as_str(), failure.message.contains("no other next step")), ("stuck", true));
}

#[test]
fn talk_without_calls_is_told_so_and_ends_at_the_third() {
    let host = Fake::new("claude", &[]).replies([words("I will."), words("Yes."), words("Done!")]);
    assert_eq!(failure(run(&host, &mut session(roomy()))).kind, "stuck");
    assert!(host.last_told().ends_with("Call a tool."));
}

#[test]
fn the_same_call_again_and_again_is_a_failure() {
    let host = Fake::new("claude", &[])
        .replies((0..9).map(|n| if n == 4 { words("Next step: x") } else { calls(&[("echo", "{}")]) }));
    assert_eq!(failure(run(&host, &mut session(roomy()))).kind, "stuck");
    assert_eq!(host.requests.borrow().len(), 6);
}

#[test]
fn turns_end_it_after_two_warnings() {
    let turns = 20;
    let host = Fake::new("claude", &[]).replies((0..30).map(|n| calls(&[("echo", &format!("{{\"n\":{n}}}"))])));
    let failure = failure(run(&host, &mut session(Limits { turns, ..roomy() })));
    assert_eq!((failure.kind.as_str(), failure.message.as_str()), ("exhausted", "all 20 turns were used"));
    let requests = host.requests.borrow();
    assert_eq!(requests.len(), 20);
    let all: String = requests[19].messages.iter().map(text_of).collect();
    assert!(all.contains("2 turns are left of 20") && all.contains("1 turn is left of 20"), "{all}");
}

#[test]
fn the_budget_ends_it() {
    let host = Fake::new("claude", &[]).replies([Err(Error::new("exhausted", "$5.00 are spent"))]);
    assert_eq!(failure(run(&host, &mut session(roomy()))).kind, "exhausted");
    let host = Fake::new("claude", &[]).replies([calls(&[("stop", "{}"), ("echo", "{}")])]);
    assert_eq!(failure(run(&host, &mut session(roomy()))).kind, "exhausted");
}

#[test]
fn a_model_that_declines_ends_it() {
    let host = Fake::new("claude", &[]).replies([Ok(reply(vec![Part::Text("I cannot.".into())], Stop::Refused))]);
    let failure = failure(run(&host, &mut session(roomy())));
    assert_eq!((failure.kind.as_str(), failure.message.as_str()), ("refused", "the model declined: I cannot."));
}

#[test]
fn over_three_windows_it_shortens_and_then_starts_anew() {
    let limits = Limits { turns: 500, context: 20_000, output: 2_000, compactions: 3 };
    let host = Fake::new("claude", &[]).replies((0..60).map(|n| calls(&[("big", &format!("{{\"n\":{n}}}"))])));
    let mut session = session(limits);
    assert!(matches!(run(&host, &mut session), Ended::Again));
    assert!(session.turns >= 15, "three windows of five turns each: {}", session.turns);
    let first = text_of(&session.talk.messages()[0]);
    assert!(first.contains("# Todo") && first.contains("- big {\"n\":0}"), "{first}");
    for request in host.requests.borrow().iter() {
        let bytes: u64 = request.messages.iter().map(talk::weight).sum();
        assert!(session.talk.tokens_of(bytes) <= 18_000);
    }

    // The next life goes on where this one ended.
    let saved = serde_json::to_vec(&session.save(1 << 20, "")).unwrap();
    let saved = serde_json::from_slice(&saved).unwrap();
    let mut next = Session::resume(saved, "Be an echo.".into(), Vec::new(), Spoken::Calls, limits).unwrap();
    assert_eq!((&next.talk, next.turns), (&session.talk, session.turns));
    host.replies.replace([calls(&[("end", "{}")])].into());
    assert!(matches!(run(&host, &mut next), Ended::Done(_)));
}

#[test]
fn a_full_context_is_made_room_in() {
    let full = || Err(Error::new("context-full", "8,192 tokens are the most"));
    let cut = || Ok(reply(vec![Part::Text("half a".into())], Stop::ContextFull));
    let host = Fake::new("claude", &[]).replies([
        calls(&[("big", "{\"n\":1}")]),
        calls(&[("big", "{\"n\":2}")]),
        full(),
        cut(),
        calls(&[("end", "{}")]),
    ]);
    assert!(matches!(run(&host, &mut session(roomy())), Ended::Done(_)));
    let sizes: Vec<u64> =
        host.requests.borrow().iter().map(|request| request.messages.iter().map(talk::weight).sum()).collect();
    assert!(sizes[3] <= sizes[2] / 2 && sizes[4] <= sizes[3] / 2, "{sizes:?}");

    let host = Fake::new("claude", &[]).replies((0..9).map(|_| full()));
    assert_eq!(failure(run(&host, &mut session(roomy()))).kind, "context-full");
    assert_eq!(host.requests.borrow().len(), 1, "there is nothing but the task to leave out");
}

#[test]
fn a_saved_session_fits_its_bytes() {
    let host = Fake::new("claude", &[]).replies((0..80).map(|n| calls(&[("big", &format!("{{\"n\":{n}}}"))])));
    let mut session = session(Limits { turns: 80, context: 2_000_000, ..roomy() });
    session.run(&host, &mut Echo);
    assert!(session.talk.bytes() > 700_000);
    let saved = serde_json::to_vec(&session.save(400_000, "")).unwrap();
    assert!((100_000..400_000).contains(&saved.len()), "{}", saved.len());
    assert!(session.talk.messages().len() > 10);
}

#[test]
fn an_envelope_is_spoken_to_models_without_tools() {
    let envelope = |tool: &str| words(&format!(r#"{{"tool":"{tool}","arguments":{{"n":1}}}}"#));
    let host = Fake::new("smollm", &[]).replies([envelope("echo"), envelope("end")]);
    let tools = vec![crate::tool::tool("echo", "Echoes.", r#"{"type":"object"}"#)];
    let mut session = Session::new(Talk::new(TASK), "Be an echo.".into(), tools, Spoken::Envelope, roomy());
    assert!(matches!(session.run(&host, &mut Echo), Ended::Done(_)));
    let requests = host.requests.borrow();
    assert!(requests[0].tools.is_empty() && requests[0].schema.is_some() && requests[0].temperature == Some(0.0));
    assert!(requests[0].system.contains("## echo"));
    let texts: Vec<String> = requests[1].messages.iter().map(text_of).collect();
    assert_eq!(texts[1..], [r#"{"tool":"echo","arguments":{"n":1}}"#, "It answered:\n{\"n\":1}"]);
    assert_eq!(requests[1].messages.first(), requests[0].messages.first());
}

#[test]
fn limits_come_from_the_model() {
    let details =
        Details { name: "a/b".into(), family: "c".into(), context: 8_192, max_output: 4_096, more: Vec::new() };
    assert_eq!(Limits::of(&details, 7), Limits { turns: 7, context: 8_192, output: 2_048, compactions: 3 });
}
