//! Profiles: what a person gives an agent with one word. An agent never gets more than it asks for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Grants;
use crate::pattern::{PathSet, Pattern};

/// Files that likely hold secrets: no profile gives them, and only a person who names them does.
///
/// Private keys are listed by the names that tools give them and not as `id_*`, which would hide half the sources of some
/// repositories. The list errs on the side of the secret: a file that an agent misses is asked for.
pub const LIKELY_SECRETS: &[&str] = &[
    "**/.env*",
    "**/*.env",
    "**/*.pem",
    "**/*.key",
    "**/*.p12",
    "**/*.pfx",
    "**/*.jks",
    "**/*.keystore",
    "**/*.kdbx",
    "**/*.ppk",
    "**/id_{rsa,dsa,ecdsa,ecdsa_sk,ed25519,ed25519_sk,xmss}*",
    "**/.npmrc",
    "**/.netrc",
    "**/_netrc",
    "**/.pypirc",
    "**/.pgpass",
    "**/.my.cnf",
    "**/.htpasswd",
    "**/.git-credentials",
    "**/.dockercfg",
    "**/.docker/config.json",
    "**/.kube/config",
    "**/kubeconfig",
    "**/.aws/**",
    "**/.azure/**",
    "**/.ssh/**",
    "**/.gnupg/**",
    "**/secrets/**",
    "**/.secrets/**",
    "**/secrets.{yml,yaml,json,toml}",
    "**/credentials",
    "**/credentials.{json,csv,yml,yaml,toml}",
    "**/service-account*.json",
    "**/master.key",
    "**/*.tfstate",
    "**/*.tfstate.backup",
    "**/*.tfvars",
    "**/*.auto.tfvars.json",
    "**/terraform.rc",
    "**/.terraformrc",
    "**/.vault-token",
];

/// Files that look like secrets and are made to be read: forms to fill in, public halves.
pub const NO_SECRETS: &[&str] = &[
    "**/.env.{example,sample,template,dist,defaults}",
    "**/{example,sample,template}.env",
    "**/*.pub",
    "**/*.pub.{key,pem}",
    "**/*.tfvars.example",
];

/// A named set of grants.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// What the shipped agents get: all they ask for, but likely secrets.
    Default,
    /// To read, to ask a model and the person, and nothing that leaves a trace in files or history.
    Reader,
    /// To read, write and commit; not to start others.
    Edit,
    /// Nothing at all.
    Nothing,
    /// All that was asked for; of likely secrets only those that were asked for by name.
    AsAsked,
}

/// The likely secrets, as a set.
pub fn likely_secrets() -> PathSet {
    PathSet { but: PathSet::of(NO_SECRETS).any, ..PathSet::of(LIKELY_SECRETS) }
}

/// Everything but likely secrets, and those of them that are named.
pub fn all_but_secrets(named: &[Pattern]) -> PathSet {
    let even = PathSet::of(NO_SECRETS).any.iter().chain(named).cloned().collect();
    PathSet { but: PathSet::of(LIKELY_SECRETS).any, even, ..PathSet::all() }
}

impl Profile {
    /// Every profile, for questions and messages.
    pub const ALL: [Self; 5] = [Self::Default, Self::Reader, Self::Edit, Self::Nothing, Self::AsAsked];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Reader => "reader",
            Self::Edit => "edit",
            Self::Nothing => "nothing",
            Self::AsAsked => "as-asked",
        }
    }

    /// The profile of a word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.name() == name)
    }

    /// What of the asked-for grants it gives, with the likely secrets that a person named for this agent to read.
    pub fn grants(self, asked: &Grants, secrets: &[Pattern]) -> Grants {
        let within = |set: &PathSet, named: &[Pattern]| Arc::new(set.narrowed(&all_but_secrets(named)));
        let nothing = Grants::default();
        match self {
            Self::Nothing => nothing,
            Self::Reader => Grants {
                model: asked.model.clone(),
                read: within(&asked.read, secrets),
                human: asked.human,
                board: asked.board,
                ..nothing
            },
            Self::Edit => Grants { delegate: Vec::new(), depth: 0, width: 0, ..Self::Default.grants(asked, secrets) },
            Self::Default => {
                Grants { read: within(&asked.read, secrets), write: within(&asked.write, &[]), ..asked.clone() }
            }
            Self::AsAsked => Grants {
                read: within(&asked.read, &[exact(&asked.read).as_slice(), secrets].concat()),
                write: within(&asked.write, &exact(&asked.write)),
                ..asked.clone()
            },
        }
    }
}

/// The patterns that are one path, written out.
fn exact(set: &PathSet) -> Vec<Pattern> {
    set.any.iter().filter(|pattern| !pattern.as_str().contains(['*', '?', '[', '{'])).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(paths: &[&str]) -> Grants {
        Grants {
            model: vec!["default".into()],
            read: Arc::new(PathSet::of(paths)),
            write: Arc::new(PathSet::of(paths)),
            commit: true,
            exec: vec![vec!["**".to_owned()].try_into().unwrap()],
            env: vec!["*".into()],
            check: true,
            human: true,
            board: true,
            delegate: vec!["coder".into()],
            depth: 2,
            width: 3,
        }
    }

    #[test]
    fn the_lists_are_patterns() {
        for text in LIKELY_SECRETS.iter().chain(NO_SECRETS) {
            assert!(Pattern::new(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn likely_secrets_are_left_out_and_sources_are_not() {
        let readable = all_but_secrets(&[]);
        for secret in [
            ".env",
            "deep/.env.local",
            "prod.env",
            ".envrc",
            "certs/server.pem",
            "server.key",
            "id_rsa",
            "keys/id_ed25519",
            "id_ed25519.old",
            ".npmrc",
            "web/.netrc",
            "a.p12",
            "secrets/db",
            "x/secrets/y/z",
            "config/master.key",
            "infra/prod.tfvars",
            ".aws/credentials",
        ] {
            assert!(!readable.has(secret) && likely_secrets().has(secret), "{secret}");
        }
        for source in [
            "src/id_map.rs",
            "id_generator.py",
            ".env.example",
            "deploy/.env.sample",
            "id_rsa.pub",
            "src/env.rs",
            "src/secrets.rs",
            "docs/secrets.md",
            "monkey.rs",
            "keys.rs",
            ".gitignore",
        ] {
            assert!(readable.has(source) && !likely_secrets().has(source), "{source}");
        }
    }

    #[test]
    fn a_named_secret_is_in_and_its_neighbours_are_not() {
        let named = all_but_secrets(&[Pattern::new("test/server.pem").unwrap()]);
        assert!(named.has("test/server.pem") && !named.has("test/other.pem") && !named.has("server.pem"));
    }

    #[test]
    fn each_profile_gives_what_its_word_says() {
        let asked = asked(&["**"]);
        let default = Profile::Default.grants(&asked, &[]);
        assert!(default.read.has("src/a") && default.write.has("AGENTS.md") && default.commit && default.depth == 2);
        let reader = Profile::Reader.grants(&asked, &[]);
        assert!(reader.read.has("src/a") && !reader.write.has("src/a") && !reader.commit && reader.delegate.is_empty());
        assert_eq!(reader.model, ["default"]);
        let edit = Profile::Edit.grants(&asked, &[]);
        assert!(edit.write.has("src/a") && edit.commit && edit.delegate.is_empty() && edit.depth == 0);
        assert_eq!(Profile::Nothing.grants(&asked, &[]), Grants::default());
        for profile in Profile::ALL {
            let given = profile.grants(&asked, &[]);
            assert!(!given.read.has(".env") && !given.write.has(".env"), "{profile:?}");
            assert_eq!(Profile::named(profile.name()), Some(profile));
        }
        assert_eq!(Profile::named("root"), None);
    }

    #[test]
    fn no_profile_gives_more_than_is_asked() {
        for profile in Profile::ALL {
            let given = profile.grants(&asked(&["docs/**"]), &[]);
            assert!(!given.read.has("src/a") && !given.write.has("src/a"), "{profile:?}");
            let none = profile.grants(&Grants::default(), &[]);
            assert!(!none.read.has("a") && !none.write.has("a") && !none.commit && none.model.is_empty());
        }
    }

    #[test]
    fn as_asked_gives_a_secret_only_by_its_whole_name() {
        let given = Profile::AsAsked.grants(&asked(&["**", "test/server.pem", "*.key"]), &[]);
        assert!(given.read.has("test/server.pem") && given.write.has("test/server.pem"));
        assert!(!given.read.has("server.key") && !given.read.has(".env"));
        let given = Profile::Default.grants(&asked(&["**", "test/server.pem"]), &[]);
        assert!(!given.read.has("test/server.pem"));
    }

    #[test]
    fn a_secret_that_a_person_named_can_be_read_and_no_other() {
        let named = [Pattern::new("test/*.pem").unwrap()];
        for profile in [Profile::Default, Profile::Reader, Profile::Edit, Profile::AsAsked] {
            let given = profile.grants(&asked(&["**"]), &named);
            assert!(given.read.has("test/a.pem") && !given.read.has("a.pem") && !given.write.has("test/a.pem"));
            // Not asked for is not given.
            assert!(!profile.grants(&asked(&["src/**"]), &named).read.has("test/a.pem"), "{profile:?}");
        }
    }
}
