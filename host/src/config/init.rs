//! The first `pit.toml`: short, and every line of it either counts or is a comment that would.

use std::fmt::Write as _;

/// What is known of a repository that the file is for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// Folders at its top, in which git has files.
    pub folders: Vec<String>,
}

/// Folders that people let agents write in, where there are such.
const WRITABLE: &[&str] =
    &["src", "lib", "app", "crates", "packages", "cmd", "internal", "include", "tests", "test", "docs"];

/// The text of the file.
pub fn propose(facts: &Facts) -> String {
    let found: Vec<&str> =
        WRITABLE.iter().copied().filter(|folder| facts.folders.iter().any(|have| have == folder)).collect();
    let found = if found.is_empty() { vec!["src", "tests", "docs"] } else { found };
    let globs: Vec<String> = found.iter().map(|folder| format!("\"{folder}/**\"")).collect();
    let mut text = String::from(
        "# How pit works in this repository. It can narrow at will; what gives more than there would be without it counts\n\
         # only after you have seen it: pit trust\n\
         schema = 1\n\
         \n\
         [team]\n\
         coders = 3                  # at a time\n\
         \n\
         [budget]                    # of one run; raise it while it runs with: pit budget ID --usd 10\n\
         usd = 5.00\n\
         wall = \"60m\"\n\
         # turns = 60                # requests to a model, each agent\n\
         # tokens = 2000000          # no limit without this\n\
         \n\
         # What agents get is what they ask for, but likely secrets. This leaves less of it:\n",
    );
    // Writing to a string has no way to fail.
    let _ = write!(
        text,
        "# [grants.coder]\n\
         # write = [{}]\n\
         # secrets = [\"tests/fixtures/server.pem\"]     # likely secrets that it may read all the same\n",
        globs.join(", ")
    );
    text.push_str(
        "\n\
         # A rule asks you, or refuses, whatever is granted; the strictest one holds:\n\
         # [[rule]]\n\
         # name = \"migrations\"\n\
         # effect = \"ask\"            # or \"deny\"\n\
         # on = [\"workspace.write\", \"workspace.edit\", \"workspace.remove\", \"workspace.rename\"]\n\
         # paths = [\"migrations/**\"]\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settled::Settled;
    use crate::config::written::{Files, Flags};
    use std::path::Path;

    fn settle(text: String) -> Settled {
        let files = Files::parse(None, None, Some((Path::new("pit.toml"), text))).unwrap();
        Settled::settle(files, &Flags::default(), &["coder"], None).unwrap()
    }

    #[test]
    fn it_says_what_holds_without_it_and_needs_no_trust() {
        let text = propose(&Facts::default());
        assert!(text.lines().count() <= 40, "{}", text.lines().count());
        let without = Settled::settle(Files::default(), &Flags::default(), &[], None).unwrap();
        let with = settle(text);
        assert_eq!(with.budget.spending(), without.budget.spending());
        assert_eq!(with.coders.value, without.coders.value);
        assert_eq!(with.lines().len(), without.lines().len());
    }

    #[test]
    fn every_comment_that_would_count_does() {
        let text = propose(&Facts { folders: vec!["docs".into(), "src".into(), "target".into()] });
        assert!(text.contains("# write = [\"src/**\", \"docs/**\"]\n"), "{text}");
        let all: String = text
            .lines()
            .map(|line| {
                let code = line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || rest.contains(" = "));
                format!("{}\n", code.unwrap_or(line))
            })
            .collect();
        let files = Files::parse(None, None, Some((Path::new("pit.toml"), all.clone()))).unwrap();
        let error = Settled::settle(files, &Flags::default(), &["coder"], None).unwrap_err();
        // The named secret is the one thing in it that widens.
        assert!(error.to_string().contains("grants.coder.secrets"), "{error}");
        let settled = settle(all.replace("\nsecrets", "\n# secrets"));
        assert_eq!((settled.rules.len(), settled.budget.tokens.value), (1, Some(2_000_000)));
    }
}
