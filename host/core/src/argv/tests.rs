//! What grants cover and rules are about, wrapped and not.

use proptest::prelude::*;

use super::*;

fn pattern(words: &str) -> ArgvPattern {
    ArgvPattern::try_from(words.split(' ').map(str::to_owned).collect::<Vec<_>>()).unwrap()
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn a_pattern_is_words_stars_and_a_rest() {
    assert!(pattern("cargo test **").is(&argv(&["cargo", "test"])));
    assert!(pattern("cargo test **").is(&argv(&["cargo", "test", "-p", "x"])));
    assert!(!pattern("cargo test **").is(&argv(&["cargo", "publish"])));
    assert!(!pattern("cargo test").is(&argv(&["cargo", "test", "x"])));
    assert!(pattern("npm run *:check").is(&argv(&["npm", "run", "types:check"])));
    assert!(pattern("*").is(&argv(&["ls"])) && !pattern("*").is(&argv(&["ls", "-l"])));
    assert!(pattern("**").is_all() && pattern("**").is(&argv(&["ls", "-l"])));
}

#[test]
fn what_is_no_pattern_is_refused() {
    let refused = |words: &[&str]| ArgvPattern::try_from(argv(words)).unwrap_err();
    assert_eq!(refused(&[]), ArgvError::Empty);
    assert_eq!(refused(&["**", "x"]), ArgvError::Rest);
    assert_eq!(refused(&["a\nb"]), ArgvError::Words);
    assert_eq!(refused(&["x"; 33]), ArgvError::Words);
}

#[test]
fn a_grant_covers_a_command_and_what_it_starts() {
    let grants = [pattern("cargo test **"), pattern("env **"), pattern("sh -c **"), pattern("timeout **")];
    let covers = |words: &[&str]| covered(&grants, &argv(words));
    assert!(covers(&["cargo", "test"]));
    assert!(covers(&["env", "A=1", "cargo", "test"]));
    assert!(covers(&["sh", "-c", "cargo test -q && cargo test | cargo test"]));
    for not in [
        &["/tmp/cargo", "test"] as &[&str],
        &["env", "cargo", "publish"],
        &["env", "-S", "cargo publish"],
        &["env", "-u", "X", "curl", "x"],
        &["timeout", "5", "cargo", "publish"],
        &["sh", "-c", "cargo test; curl x"],
        &["sh", "-c", "cargo test $(curl x)"],
        &["sh", "-c", "$X test"],
        &["sh", "-c", "cargo $X"],
        &["sh", "script.sh"],
        &["bash", "-c", "cargo test"],
        &["nice", "cargo", "test"],
        &["xargs", "cargo"],
        &["sh", "-c", "xargs -I{} cargo {}"],
    ] {
        assert!(!covers(not), "{not:?}");
    }
    assert!(covered(&[pattern("**")], &argv(&["sh", "-c", "$(anything)"])));
    assert!(!covered(&[], &argv(&["ls"])));
}

#[test]
fn a_rule_is_about_a_command_however_it_is_wrapped() {
    let rule = [pattern("cargo publish **")];
    for words in [
        &["cargo", "publish"] as &[&str],
        &["/home/x/.cargo/bin/cargo", "publish", "--dry-run"],
        &["env", "A=1", "B=2", "cargo", "publish"],
        &["time", "-f", "%e", "cargo", "publish"],
        &["timeout", "-k", "5", "60", "cargo", "publish"],
        &["nice", "-n", "5", "nohup", "cargo", "publish"],
        &["xargs", "-n", "1", "cargo", "publish"],
        &["find", ".", "-name", "x", "-exec", "cargo", "publish", ";"],
        &["sh", "-c", "cd x && cargo publish"],
        &["bash", "-xec", "true; 'cargo' \"publish\" > log 2>&1"],
        &["sh", "-c", "if true; then cargo publish; fi"],
        &["sh", "-c", "A=1 cargo publish"],
        &["sh", "-c", "env cargo publish"],
        &["sh", "-c", "sh -c 'cargo publish'"],
        // What is fed in is not known, and may be the rest.
        &["sh", "-c", "echo publish | xargs cargo"],
        &["sh", "-c", "xargs cargo < list"],
        &["sh", "-c", "printf 'publish\\0' | xargs -0 cargo"],
        &["sh", "-c", "echo publish | xargs -I{} cargo {}"],
        &["sh", "-c", "echo publish | xargs -I % cargo %"],
        &["sh", "-c", "echo cargo publish | xargs env"],
        &["sh", "-c", "echo cargo publish | xargs -I{} sh -c {}"],
        &["sh", "-c", "echo cargo | xargs -I{} {} publish"],
        &["sh", "-c", "echo -exec cargo publish ';' | xargs find ."],
        &["sh", "-c", "echo cargo publish | parallel"],
        &["parallel", "cargo", "{1}", ":::", "publish"],
        // Nor is what an option is that is not known, or what another word than `{}` stands for.
        &["sh", "-c", "echo cargo | xargs -I ls ls publish"],
        &["sh", "-c", "echo publish | xargs -0I % cargo %"],
        &["sh", "-c", "xargs -i cargo publish"],
        &["sh", "-c", "xargs --delimiter x cargo publish"],
        &["sh", "-c", "xargs -n1 -P 4 cargo publish"],
        // What cannot be read counts as meant.
        &["sh", "-c", "X=cargo; $X publish"],
        &["sh", "-c", "cargo $X"],
        &["sh", "-c", "`echo cargo publish`"],
        &["sh", "-c", ". ./x"],
        &["sh", "x.sh"],
        &["env", "-S", "anything"],
    ] {
        assert!(concerns(&rule, &argv(words)), "{words:?}");
    }
    for words in [
        &["cargo", "test"] as &[&str],
        &["env", "cargo", "test"],
        &["sh", "-c", "cargo test | tail -n 5 && echo 'cargo publish'"],
        &["grep", "cargo", "publish"],
        &["sh", "-c", "ls | xargs grep cargo"],
        &["sh", "-c", "ls | xargs cargo test"],
        &["sh", "-c", "ls | xargs -0 -n 1 -P4 -I{} cp {} x"],
        &["sh", "-c", "ls | xargs"],
        &["sh", "-c", "cargo test -- \"$X\""],
    ] {
        assert!(!concerns(&rule, &argv(words)), "{words:?}");
    }
}

proptest! {
    #[test]
    fn no_command_makes_it_panic(argv in proptest::collection::vec(".{0,40}", 0..8), script in "[ -~]{0,80}") {
        let _ = concerns(&[pattern("cargo publish **")], &argv);
        let _ = covered(&[pattern("sh **")], &["sh".to_owned(), "-c".to_owned(), script]);
    }
}
