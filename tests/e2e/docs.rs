//! The walks in `docs/`: a person who makes the files and types the commands that stand there gets what it says.
//!
//! In a walk, a fenced block whose first line names a file besides its language is that file, and a block of `sh` is typed
//! line by line. A line ends well, or as its comment says: `exit code 3`.

use std::path::Path;

use orchestra_pit_tests::Stage;

/// One thing to do.
#[derive(Debug, PartialEq)]
enum Step {
    File(String, String),
    Line(String),
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(head) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        match head.split_once(' ') {
            Some((_, path)) => steps.push(Step::File(path.to_owned(), body.join("\n") + "\n")),
            None if head == "sh" => {
                steps.extend(
                    body.iter().filter(|line| !line.trim().is_empty()).map(|line| Step::Line((*line).to_owned())),
                );
            }
            None => {}
        }
    }
    steps
}

fn walk(name: &str, stage: &Stage) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let text = std::fs::read_to_string(root.join("docs").join(name)).unwrap();
    let steps = steps(&text);
    assert!(steps.iter().any(|step| matches!(step, Step::Line(_))), "{name} has no commands");
    for step in steps {
        match step {
            Step::File(path, text) => stage.write(&path, &text.replace("$PIT", &root.display().to_string())),
            Step::Line(line) => {
                let expected =
                    line.split_once("exit code ").and_then(|(_, rest)| rest.get(..1)?.parse().ok()).unwrap_or(0);
                let said = stage.shell(&line);
                assert_eq!(said.code, Some(expected), "{name}: {line}\n{}\n{}", said.out, said.err);
            }
        }
    }
}

#[test]
fn blocks_are_files_and_lines() {
    let text = "a\n```toml a/b.toml\nx = 1\n```\n```sh\npit ls\n\npit diff\n```\n```rust\nfn no() {}\n```\n";
    let line = |text: &str| Step::Line(text.to_owned());
    assert_eq!(steps(text), [Step::File("a/b.toml".into(), "x = 1\n".into()), line("pit ls"), line("pit diff")]);
}

#[test]
fn the_first_hour() {
    walk("first-hour.md", &Stage::new());
}

#[test]
fn writing_an_agent() {
    walk("writing-an-agent.md", &Stage::new());
}
