//! The judge: each grant missing and given, the strictest rule, what an approval reaches.

use super::*;
use crate::call::{Call, CallId, Site, board, delegate, exec, human, model, vcs, workspace};
use crate::id::RunId;
use crate::pattern::Pattern;

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn site() -> Site {
    Site {
        run: RunId([1; 16]),
        tree: RunId([1; 16]),
        parent: None,
        agent: Hash::NONE,
        agent_name: "tester@1".into(),
        branch: "refs/heads/pit/1".into(),
        model: None,
    }
}

fn order_with(call: Call, facts: Facts) -> Order {
    Order::new(CallId { run: RunId([1; 16]), seq: 7 }, site(), call, facts, Time(1_000))
}

fn order(call: Call) -> Order {
    order_with(call, Facts::default())
}

fn read(text: &str) -> Call {
    Call::Workspace(workspace::Call::Read { path: path(text), lines: None })
}

fn write(text: &str) -> Call {
    Call::Workspace(workspace::Call::Write {
        path: path(text),
        bytes: Default::default(),
        expect: None,
        executable: None,
    })
}

fn commit() -> Call {
    Call::Vcs(vcs::Call::Commit { message: "x".into() })
}

fn ask_model(alias: &str) -> Call {
    Call::Model(model::Call::About(alias.into()))
}

fn start(agent: &str, lease: &[&str]) -> Call {
    Call::Delegate(delegate::Call::Start(Box::new(delegate::Order {
        agent: agent.into(),
        task: Default::default(),
        card: String::new(),
        model: String::new(),
        start: delegate::Start::Head,
        write: Vec::new(),
        lease: lease.iter().map(|text| path(text)).collect(),
        share: Default::default(),
    })))
}

fn everything() -> Grants {
    Grants {
        model: vec!["default".into()],
        read: Arc::new(PathSet::all()),
        write: Arc::new(PathSet::of(&["src/**"])),
        commit: true,
        exec: vec![vec!["cargo".to_owned(), "test".to_owned(), "**".to_owned()].try_into().unwrap()],
        env: vec!["RUST_*".into()],
        check: true,
        human: true,
        board: true,
        delegate: vec!["coder".into()],
        depth: 2,
        width: 2,
    }
}

/// The decisive rule of a denial.
fn denied(order: Order, grants: &Grants) -> Option<String> {
    match judge(order, &Rules::default(), grants, &[]) {
        Ruling::Deny(_, reasons) => Some(reasons[0].rule.clone()),
        _ => None,
    }
}

#[test]
fn each_capability_is_denied_without_its_grant_and_allowed_with_it() {
    for (call, rule) in [
        (read("src/a"), "read-not-granted"),
        (write("src/a"), "write-not-granted"),
        (commit(), "commit-not-granted"),
        (ask_model(""), "model-not-granted"),
        (Call::Human(human::Call::Notify { text: "x".into() }), "human-not-granted"),
        (Call::Board(board::Call::Cards), "board-not-granted"),
        (start("coder", &["src/a"]), "delegate-not-granted"),
    ] {
        assert_eq!(denied(order(call.clone()), &Grants::default()).as_deref(), Some(rule));
        assert_eq!(denied(order(call.clone()), &everything()), None, "{call:?}");
    }
}

#[test]
fn a_grant_reaches_no_further_than_its_words() {
    assert_eq!(denied(order(write("src-secret/a")), &everything()).as_deref(), Some("write-not-granted"));
    assert_eq!(denied(order(ask_model("strong")), &everything()).as_deref(), Some("model-not-granted"));
    assert_eq!(denied(order(start("stranger", &[])), &everything()).as_deref(), Some("delegate-not-granted"));
    assert_eq!(denied(order(start("coder", &["docs/a"])), &everything()).as_deref(), Some("write-not-granted"));
    let rename = Call::Workspace(workspace::Call::Rename { from: path("src/a"), to: path("b") });
    assert_eq!(denied(order(rename), &everything()).as_deref(), Some("write-not-granted"));
    let edit = Call::Workspace(workspace::Call::Edit { edits: vec![] });
    let facts = Facts { writes: vec![path("src/a"), path("b")], ..Facts::default() };
    assert_eq!(denied(order_with(edit, facts), &everything()).as_deref(), Some("write-not-granted"));
}

/// Refuses: delegate.start denied
#[test]
fn depth_and_width_are_bounded() {
    let flat = Grants { depth: 0, ..everything() };
    assert_eq!(denied(order(start("coder", &[])), &flat).as_deref(), Some("depth"));
    let facts = Facts { children: 2, ..Facts::default() };
    assert_eq!(denied(order_with(start("coder", &[]), facts), &everything()).as_deref(), Some("width"));
}

#[test]
fn a_child_gets_no_more_than_its_parent_has() {
    let asked = Grants {
        model: vec!["default".into(), "strong".into()],
        write: Arc::new(PathSet::all()),
        delegate: vec!["coder".into(), "lead".into()],
        depth: 9,
        width: 9,
        ..everything()
    };
    let child = everything().narrowed_to(&asked);
    assert_eq!(child.model, ["default"]);
    assert_eq!(child.delegate, ["coder"]);
    assert_eq!((child.depth, child.width), (1, 2));
    assert!(child.write.has("src/a") && !child.write.has("docs/a"));
    let commitless = Grants { commit: false, human: false, board: false, ..everything() };
    let child = commitless.narrowed_to(&everything());
    assert!(!child.commit && !child.human && !child.board);
}

fn rule(name: &str, effect: Effect, on: &[&str], paths: &[&str]) -> Rule {
    let paths = (!paths.is_empty()).then(|| PathSet::of(paths));
    let on = on.iter().map(|on| (*on).into()).collect();
    Rule { name: name.into(), effect, on, paths, exec: None, from: String::new() }
}

#[test]
fn the_strictest_rule_wins_whatever_the_order() {
    let mut rules = vec![
        rule("yes", Effect::Allow, &["*"], &[]),
        rule("no", Effect::Deny, &["workspace.*"], &["**/secret.rs"]),
        rule("maybe", Effect::Ask, &["workspace.write"], &["src/**"]),
    ];
    for _ in 0..3 {
        rules.rotate_left(1);
        let rules = Rules(rules.clone());
        match judge(order(write("src/secret.rs")), &rules, &everything(), &[]) {
            Ruling::Deny(_, reasons) => assert_eq!(reasons[0].rule, "no"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(judge(order(write("src/a.rs")), &rules, &everything(), &[]), Ruling::Ask(_)));
        match judge(order(read("src/a.rs")), &rules, &everything(), &[]) {
            Ruling::Allow(permit) => assert_eq!(permit.rule(), "yes"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_rule_never_widens_a_grant() {
    let rules = Rules(vec![rule("yes", Effect::Allow, &["*"], &[])]);
    assert!(matches!(judge(order(write("docs/a")), &rules, &everything(), &[]), Ruling::Deny(..)));
}

#[test]
fn a_noun_is_not_a_prefix() {
    let rules = Rules(vec![rule("no", Effect::Deny, &["work*", "workspace.rea", "vcs."], &[])]);
    assert!(matches!(judge(order(read("src/a")), &rules, &everything(), &[]), Ruling::Allow(_)));
}

fn protected_commit(paths: &[&str]) -> Order {
    order_with(commit(), Facts { protected: paths.iter().map(|text| path(text)).collect(), ..Facts::default() })
}

fn approval(reach: Reach) -> Approval {
    Approval { reach, by: "person".into(), at: Time(0), expires: None }
}

#[test]
fn protected_paths_ask_and_an_approval_is_bound_to_what_was_shown() {
    let rules = Rules::default();
    let grants = everything();
    let Ruling::Ask(question) = judge(protected_commit(&["AGENTS.md"]), &rules, &grants, &[]) else {
        panic!("not asked")
    };
    let once = approval(Reach::Call(question.order().digest()));
    let run = approval(Reach::run(&question));
    assert!(matches!(judge(question.back(), &rules, &grants, std::slice::from_ref(&once)), Ruling::Allow(_)));
    // The arguments change after the yes: asked again.
    let more = || protected_commit(&["AGENTS.md", ".envrc"]);
    assert!(matches!(judge(more(), &rules, &grants, &[once]), Ruling::Ask(_)));
    assert!(matches!(judge(more(), &rules, &grants, std::slice::from_ref(&run)), Ruling::Ask(_)));
    assert!(matches!(judge(protected_commit(&["AGENTS.md"]), &rules, &grants, &[run]), Ruling::Allow(_)));
}

#[test]
fn an_approval_expires_and_never_answers_a_denial() {
    let grants = everything();
    let digest = protected_commit(&["AGENTS.md"]).digest();
    let expired = Approval { expires: Some(Time(1_000)), ..approval(Reach::Call(digest)) };
    assert!(matches!(judge(protected_commit(&["AGENTS.md"]), &Rules::default(), &grants, &[expired]), Ruling::Ask(_)));
    let no = Rules(vec![rule("no", Effect::Deny, &["vcs.commit"], &[])]);
    let yes = approval(Reach::Call(digest));
    assert!(matches!(judge(protected_commit(&["AGENTS.md"]), &no, &grants, &[yes]), Ruling::Deny(..)));
}

#[test]
fn a_malformed_call_is_denied_by_the_rule_it_broke() {
    let error = Error::from(RepoPath::new("../x").unwrap_err());
    let call = Call::Malformed { function: "workspace.read".into(), error };
    assert_eq!(denied(order(call), &everything()).as_deref(), Some("outside-workspace"));
}

#[test]
fn patterns_in_rules_and_grants_survive_the_record() {
    let grants = everything().narrowed_to(&everything());
    let json = serde_json::to_string(&grants).unwrap();
    assert_eq!(serde_json::from_str::<Grants>(&json).unwrap(), grants);
    assert!(serde_json::from_str::<Grants>(&json.replacen("commit", "comit", 1)).is_err());
    assert!(Pattern::new("src/**").is_ok());
}

#[test]
fn every_function_of_the_contract_can_be_ruled() {
    let mut found = vec!["clock.sleep".to_owned()];
    for (noun, text) in [
        ("board", include_str!("../../../../wit/board.wit")),
        ("delegate", include_str!("../../../../wit/delegate.wit")),
        ("exec", include_str!("../../../../wit/exec.wit")),
        ("human", include_str!("../../../../wit/human.wit")),
        ("log", include_str!("../../../../wit/log.wit")),
        ("model", include_str!("../../../../wit/model.wit")),
        ("vcs", include_str!("../../../../wit/vcs.wit")),
        ("workspace", include_str!("../../../../wit/workspace.wit")),
    ] {
        let functions = text.lines().filter_map(|line| line.trim().split_once(": func("));
        found.extend(functions.map(|(name, _)| format!("{noun}.{}", name.trim_start_matches('%'))));
    }
    found.sort();
    assert_eq!(found, FUNCTIONS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn a_rule_that_cannot_hold_is_refused() {
    let wrong = |rule: Rule| rule.check().unwrap_err();
    for name in ["", "No", "protected-paths", "a b"] {
        assert_eq!(wrong(rule(name, Effect::Deny, &["*"], &[])), RuleError::Name);
    }
    assert_eq!(wrong(rule("r", Effect::Deny, &[], &[])), RuleError::Nothing);
    for (on, meant) in [
        ("workspace.wirte", Some("workspace.write")),
        ("http.get", None),
        ("work*", None),
        ("workspace", None),
        ("", None),
    ] {
        assert_eq!(wrong(rule("r", Effect::Deny, &[on], &[])), RuleError::Function { on: on.into(), meant });
    }
    for on in ["model.ask", "vcs.commit", "workspace.search", "board.*"] {
        assert_eq!(wrong(rule("r", Effect::Deny, &[on], &["docs/**"])), RuleError::NoPaths { on: on.into() });
        assert_eq!(rule("r", Effect::Deny, &[on], &[]).check(), Ok(()));
    }
    for on in ["*", "workspace.*", "workspace.read"] {
        assert_eq!(wrong(rule("r", Effect::Ask, &[on], &["docs/**"])), RuleError::AsksToRead);
        assert_eq!(rule("r", Effect::Deny, &[on], &["docs/**"]).check(), Ok(()));
        assert_eq!(rule("r", Effect::Ask, &[on], &[]).check(), Ok(()));
    }
    assert_eq!(rule("r", Effect::Ask, &["workspace.write", "workspace.edit"], &["docs/**"]).check(), Ok(()));
}

/// The order of a command.
fn command(argv: &[&str], env: &[(&str, &str)]) -> Order {
    order(Call::Exec(exec::Call::Run(exec::Command {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        dir: None,
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        stdin: Default::default(),
        timeout_ms: None,
        limit: 0,
    })))
}

/// Refuses: any denied
#[test]
fn a_command_takes_a_grant_that_no_wrapper_gets_around() {
    let allowed = |order, grants: &Grants| matches!(judge(order, &Rules::default(), grants, &[]), Ruling::Allow(_));
    assert!(allowed(command(&["cargo", "test", "-q"], &[("RUST_LOG", "info")]), &everything()));
    for argv in [&["cargo", "publish"] as &[&str], &["env", "cargo", "test"], &["sh", "-c", "cargo test"]] {
        assert_eq!(denied(command(argv, &[]), &everything()).as_deref(), Some("exec-not-granted"), "{argv:?}");
    }
    assert_eq!(
        denied(command(&["cargo", "test"], &[("PATH", "/x")]), &everything()).as_deref(),
        Some("env-not-granted")
    );
    let Ruling::Deny(_, no) = judge(command(&["sh", "-c", "cargo test"], &[]), &Rules::default(), &everything(), &[])
    else {
        panic!("it is refused")
    };
    let hint = no[0].hint.as_deref().unwrap_or_default();
    assert!(hint.starts_with("it may run `cargo test **`; a shell is not among them"), "{hint}");
    let one = vec!["sh".to_owned(), "make.sh".to_owned()].try_into().unwrap();
    let some = Grants { exec: vec![one], ..everything() };
    let Ruling::Deny(_, no) = judge(command(&["sh", "-c", "ls"], &[]), &Rules::default(), &some, &[]) else {
        panic!("it is refused")
    };
    assert!(no[0].hint.as_deref().is_some_and(|hint| hint.starts_with("it may run `sh make.sh`; a person can")));
    let check = || order(Call::Exec(exec::Call::Check { level: "full".into() }));
    assert!(allowed(check(), &everything()));
    assert_eq!(denied(check(), &Grants { check: false, ..everything() }).as_deref(), Some("check-not-granted"));
}

#[test]
fn a_rule_about_a_command_holds_for_what_it_starts() {
    let rule = Rule {
        exec: Some(vec![vec!["cargo".to_owned(), "publish".to_owned(), "**".to_owned()].try_into().unwrap()]),
        ..rule("publish", Effect::Ask, &["exec.run"], &[])
    };
    assert_eq!(rule.check(), Ok(()));
    assert_eq!(Rule { on: vec!["workspace.*".into()], ..rule.clone() }.check(), Err(RuleError::NoCommands));
    assert!(Rule { paths: Some(PathSet::all()), ..rule.clone() }.check().is_err());
    let grants = Grants { exec: vec![vec!["**".to_owned()].try_into().unwrap()], ..everything() };
    let rules = Rules(vec![rule]);
    for argv in [&["cargo", "publish"] as &[&str], &["env", "A=1", "cargo", "publish"], &["sh", "-c", "cargo publish"]]
    {
        assert!(matches!(judge(command(argv, &[]), &rules, &grants, &[]), Ruling::Ask(_)), "{argv:?}");
    }
    assert!(matches!(judge(command(&["cargo", "test"], &[]), &rules, &grants, &[]), Ruling::Allow(_)));
}

#[test]
fn a_child_gets_no_command_that_its_parent_has_not() {
    let all = Grants { exec: vec![vec!["**".to_owned()].try_into().unwrap()], env: vec!["*".into()], ..everything() };
    let some = everything();
    assert_eq!(some.narrowed_to(&all).exec, some.exec);
    assert_eq!(some.narrowed_to(&all).env, some.env);
    assert_eq!(all.narrowed_to(&some).exec, some.exec);
    let other = Grants { exec: vec![vec!["ls".to_owned()].try_into().unwrap()], env: vec!["X".into()], ..everything() };
    assert!(some.narrowed_to(&other).exec.is_empty() && some.narrowed_to(&other).env.is_empty());
    assert!(!Grants { check: false, ..everything() }.narrowed_to(&all).check);
}

#[test]
fn what_is_denied_to_read_is_not_readable_by_any_way() {
    let readable = |rules: Vec<Rule>| Rules(rules).readable();
    assert!(readable(vec![]).has("docs/a"));
    let docs = rule("r", Effect::Deny, &["workspace.*"], &["docs/**"]);
    let keys = rule("k", Effect::Deny, &["workspace.read"], &["**/*.key"]);
    let both = readable(vec![docs, keys]);
    assert!(both.has("src/a") && !both.has("docs/a") && !both.has("src/a.key"));
    let writes = rule("r", Effect::Deny, &["workspace.write"], &["docs/**"]);
    assert!(readable(vec![writes]).has("docs/a"));
    assert!(!readable(vec![rule("r", Effect::Deny, &["*"], &[])]).has("src/a"));
}

#[test]
fn a_rule_about_writing_holds_for_every_way_to_write() {
    let edit = |text: &str| {
        let facts = Facts { writes: vec![path(text)], ..Facts::default() };
        order_with(Call::Workspace(workspace::Call::Edit { edits: vec![] }), facts)
    };
    let writable = |rules: &Rules, text: &str| match judge(command(&["cargo", "test"], &[]), rules, &everything(), &[])
    {
        Ruling::Allow(permit) => permit.into_parts().2.write.has(text),
        other => panic!("{other:?}"),
    };
    for effect in [Effect::Deny, Effect::Ask] {
        let rules = Rules(vec![rule("r", effect, &["workspace.write"], &["src/a"])]);
        for order in [
            edit("src/a"),
            order(write("src/a")),
            order(Call::Workspace(workspace::Call::Remove { path: path("src/a") })),
        ] {
            assert!(!matches!(judge(order, &rules, &everything(), &[]), Ruling::Allow(_)));
        }
        assert!(!writable(&rules, "src/a") && writable(&rules, "src/b"), "and a command writes as little");
        let rules = Rules(vec![rule("r", effect, &["workspace.write"], &[])]);
        assert!(!writable(&rules, "src/a"));
        let rules = Rules(vec![rule("r", effect, &["vcs.commit"], &[])]);
        assert!(writable(&rules, "src/a"), "the control");
    }
    let reads = Rules(vec![rule("r", Effect::Deny, &["workspace.read"], &["src/**"])]);
    assert!(matches!(judge(order(write("src/a")), &reads, &everything(), &[]), Ruling::Allow(_)), "the control");
    let all = Rules(vec![rule("r", Effect::Deny, &["*"], &["src/a"])]);
    assert!(!writable(&all, "src/a") && writable(&all, "src/b"));
}

#[test]
fn what_is_moved_or_edited_is_read_too_and_history_is_read_like_files() {
    let grants = Grants { read: Arc::new(PathSet::of(&["src/**", "docs/**"])), ..everything() };
    let narrow = Grants { write: Arc::new(PathSet::all()), ..grants.clone() };
    let rename =
        |from: &str, to: &str| order(Call::Workspace(workspace::Call::Rename { from: path(from), to: path(to) }));
    assert_eq!(denied(rename("docs/a", "src/a"), &grants).as_deref(), Some("write-not-granted"));
    assert_eq!(denied(rename("key", "src/a"), &narrow).as_deref(), Some("read-not-granted"));
    assert_eq!(denied(rename("src/b", "src/a"), &grants), None);
    let edit = |text: &str| {
        let facts = Facts { writes: vec![path(text)], ..Facts::default() };
        order_with(Call::Workspace(workspace::Call::Edit { edits: vec![] }), facts)
    };
    assert_eq!(denied(edit("key"), &narrow).as_deref(), Some("read-not-granted"));
    assert_eq!(denied(edit("src/a"), &narrow), None);
    let blame = |text: &str| order(Call::Vcs(vcs::Call::Blame { path: path(text) }));
    let log = |text: &str| order(Call::Vcs(vcs::Call::Log { path: Some(path(text)), limit: 1 }));
    for (order, rule) in [
        (blame("key"), Some("read-not-granted")),
        (blame("src/a"), None),
        (log("key"), Some("read-not-granted")),
        (log("src/a"), None),
    ] {
        assert_eq!(denied(order, &grants).as_deref(), rule);
    }
}

#[test]
fn a_permit_shows_no_more_than_was_granted_and_a_child_reads_no_more_than_its_parent() {
    let grants = Grants { read: Arc::new(PathSet::of(&["src/**"])), ..everything() };
    let Ruling::Allow(permit) = judge(order(read("src/a")), &Rules::default(), &grants, &[]) else {
        panic!("not allowed")
    };
    let (_, _, scope) = permit.into_parts();
    assert!(scope.read.has("src/a") && !scope.read.has("key"));
    let child = grants.narrowed_to(&everything());
    assert!(child.read.has("src/a") && !child.read.has("key"));
}

#[test]
fn a_yes_for_the_run_is_for_one_function_and_one_rule() {
    let ask = |name: &str| rule(name, Effect::Ask, &["workspace.write", "workspace.remove"], &["src/a"]);
    let judged = |call: Call, rules: &[&str], yes: &[Approval]| {
        let rules = Rules(rules.iter().map(|name| ask(name)).collect());
        judge(order(call), &rules, &everything(), yes)
    };
    let Ruling::Ask(question) = judged(write("src/a"), &["one"], &[]) else { panic!("not asked") };
    let yes = [approval(Reach::run(&question))];
    assert!(matches!(judged(write("src/a"), &["one"], &yes), Ruling::Allow(_)));
    let remove = Call::Workspace(workspace::Call::Remove { path: path("src/a") });
    assert!(matches!(judged(remove, &["one"], &yes), Ruling::Ask(_)), "another function");
    assert!(matches!(judged(write("src/a"), &["one", "two"], &yes), Ruling::Ask(_)), "another rule");
}
