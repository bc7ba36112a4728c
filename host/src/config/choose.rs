//! Which models are asked: what the command line names, else what the user's file says, else the one provider whose key
//! is in the environment. Never a guess between two, and never a server that nobody named.

use std::collections::BTreeMap;
use std::fmt;

use orchestra_pit_core::strict::nearest;

use super::settled::{Settled, is_model};
use super::{Origin, Said};
use crate::effect::model::family::KnownProvider;
use crate::effect::model::settings::Full;

/// The flag.
const FLAG: &str = "-m";
/// The aliases that every run has.
const ROLES: [&str; 3] = ["default", "strong", "fast"];

/// What comes of choosing.
#[derive(Clone, PartialEq, Debug)]
pub enum Choice {
    /// These, by alias: put them into [`Settled::models`].
    Models(BTreeMap<String, Said<Full>>),
    /// The person has to say which: choose again with a candidate's provider. Without a terminal it is
    /// [`Unchosen::Several`].
    Ask(Vec<Candidate>),
}

/// A provider that could be asked with what is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Its name.
    pub provider: String,
    /// The model it would be.
    pub model: String,
    /// The variable its key is in.
    pub variable: String,
}

/// Why there is no model to ask. Nothing has been sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unchosen {
    /// Nobody named one, and no key is there.
    Nothing {
        /// Variables in which a key would do.
        variables: Vec<String>,
    },
    /// Keys of several providers are there, and nobody can be asked.
    Several(Vec<Candidate>),
    /// What was named is neither an alias nor a provider's model.
    Unknown {
        /// As written.
        named: String,
        /// Where.
        from: Origin,
        /// What it resembles.
        meant: Option<String>,
        /// Providers that are known.
        providers: Vec<String>,
    },
    /// The provider's key is not there.
    NoKey {
        /// `provider/model`.
        model: String,
        /// The variable it would be in.
        variable: String,
    },
}

impl Unchosen {
    /// A word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Nothing { .. } => "no-model",
            Self::Several(_) => "several-models",
            Self::Unknown { .. } => "unknown-model",
            Self::NoKey { .. } => "no-key",
        }
    }
}

impl fmt::Display for Unchosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing { variables } => {
                let exports = variables.iter().map(|variable| format!("export {variable}=…")).collect::<Vec<_>>();
                write!(
                    f,
                    "no model is named, and no provider's key is in the environment; nothing was sent\n\
                     type: {}\n\
                     or name a local server's model: -m ollama/MODEL (pit doctor looks for one)",
                    exports.join("   or: ")
                )
            }
            Self::Several(candidates) => {
                write!(
                    f,
                    "keys of several providers are in the environment, and nobody is there to ask; nothing was sent"
                )?;
                candidates.iter().try_for_each(|candidate| {
                    write!(f, "\ntype: -m {}   for {} ({})", candidate.provider, candidate.model, candidate.variable)
                })?;
                write!(
                    f,
                    "\nor write it into ~/.config/orchestra-pit/config.toml: [models] default = \"provider/model\""
                )
            }
            Self::Unknown { named, from, meant, providers } => {
                write!(f, "{from}: `{named}` is no model")?;
                match meant {
                    Some(meant) => write!(f, "; did you mean `{meant}`?"),
                    None => write!(f, ": write provider/model, with one of {}", providers.join(", ")),
                }
            }
            Self::NoKey { model, variable } => {
                write!(
                    f,
                    "{model} needs a key, and {variable} is not set; nothing was sent\n\
                     type: export {variable}=…   or name its place in ~/.config/orchestra-pit/config.toml"
                )
            }
        }
    }
}

impl std::error::Error for Unchosen {}

/// Chooses. `known` are the built-in providers, `is_set` says whether a variable has a value.
///
/// # Errors
/// Why there is nothing to ask, and what to type.
pub fn choose(
    flag: Option<&str>,
    settled: &Settled,
    known: &[KnownProvider],
    is_set: &dyn Fn(&str) -> bool,
) -> Result<Choice, Unchosen> {
    let table = Table { settled, known, is_set };
    if let Some(named) = flag {
        return table.named(named).map(Choice::Models);
    }
    if !settled.models.is_empty() {
        for said in settled.models.values() {
            table.provider_of(&said.value.model, &said.from)?;
        }
        // The first an agent would ask; what is never asked needs no key.
        if let Some(first) = ROLES.iter().find_map(|role| settled.models.get(*role)) {
            table.has_key(&first.value.model)?;
        }
        return Ok(Choice::Models(settled.models.clone()));
    }
    let candidates = table.candidates();
    match candidates.as_slice() {
        [] => Err(Unchosen::Nothing { variables: table.variables() }),
        [one] => Ok(Choice::Models(table.defaults(&one.provider, &Origin::Environment(one.variable.clone())))),
        _ => Ok(Choice::Ask(candidates)),
    }
}

struct Table<'a> {
    settled: &'a Settled,
    known: &'a [KnownProvider],
    is_set: &'a dyn Fn(&str) -> bool,
}

impl Table<'_> {
    /// What `-m` names: an alias of the user's, a provider, or `provider/model`. It stands for every alias, so that an agent
    /// asks nothing that the person did not name.
    fn named(&self, named: &str) -> Result<BTreeMap<String, Said<Full>>, Unchosen> {
        let from = Origin::Flag(FLAG);
        let full = match self.settled.models.get(named) {
            Some(alias) => alias.value.clone(),
            None => {
                let provider = self.known.iter().find(|known| known.name == named);
                if let Some(model) = provider.and_then(|known| known.default.as_ref()) {
                    self.has_key(&format!("{named}/{model}"))?;
                    return Ok(self.defaults(named, &from));
                }
                Full { model: named.to_owned(), effort: None, max_output: None }
            }
        };
        self.provider_of(&full.model, &from)?;
        self.has_key(&full.model)?;
        let own = self.settled.models.keys().map(String::as_str);
        Ok(ROLES
            .into_iter()
            .chain(own)
            .map(|alias| (alias.to_owned(), Said { value: full.clone(), from: from.clone() }))
            .collect())
    }

    fn providers(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|known| known.name.as_str()).chain(self.settled.providers.keys().map(String::as_str))
    }

    fn provider_of(&self, named: &str, from: &Origin) -> Result<(), Unchosen> {
        let provider = named.split_once('/').map_or(named, |(provider, _)| provider);
        if is_model(named).is_ok() && self.providers().any(|known| known == provider) {
            return Ok(());
        }
        let mut providers: Vec<String> = self.providers().map(str::to_owned).collect();
        providers.sort();
        providers.dedup();
        let meant = match named.split_once('/') {
            Some((provider, model)) => nearest(provider, self.providers())
                .filter(|meant| *meant != provider)
                .map(|meant| format!("{meant}/{model}")),
            None => nearest(named, self.providers().chain(self.settled.models.keys().map(String::as_str)))
                .filter(|meant| *meant != named)
                .map(str::to_owned),
        };
        Err(Unchosen::Unknown { named: named.to_owned(), from: from.clone(), meant, providers })
    }

    /// Only built-in providers that nobody changed have their keys where we can tell.
    fn has_key(&self, model: &str) -> Result<(), Unchosen> {
        let provider = model.split_once('/').map_or(model, |(provider, _)| provider);
        if self.settled.providers.contains_key(provider) {
            return Ok(());
        }
        let variable = self.known.iter().find(|known| known.name == provider).and_then(|known| known.key_env.as_ref());
        match variable.filter(|variable| !(self.is_set)(variable)) {
            Some(variable) => Err(Unchosen::NoKey { model: model.to_owned(), variable: variable.clone() }),
            None => Ok(()),
        }
    }

    fn candidates(&self) -> Vec<Candidate> {
        let found = self.known.iter().filter_map(|known| {
            let (model, variable) = (known.default.as_ref()?, known.key_env.as_ref()?);
            (self.is_set)(variable).then(|| Candidate {
                provider: known.name.clone(),
                model: format!("{}/{model}", known.name),
                variable: variable.clone(),
            })
        });
        found.collect()
    }

    fn variables(&self) -> Vec<String> {
        self.known.iter().filter(|known| known.default.is_some()).filter_map(|known| known.key_env.clone()).collect()
    }

    fn defaults(&self, provider: &str, from: &Origin) -> BTreeMap<String, Said<Full>> {
        let known = self.known.iter().find(|known| known.name == provider);
        let models = known.map(|known| [&known.default, &known.strong, &known.fast]);
        let models = ROLES.into_iter().zip(models.into_iter().flatten());
        models
            .filter_map(|(alias, model)| {
                let value = Full { model: format!("{provider}/{}", model.as_ref()?), effort: None, max_output: None };
                Some((alias.to_owned(), Said { value, from: from.clone() }))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::written::{Files, Flags};
    use crate::effect::model::family::Families;
    use std::path::Path;

    fn chosen(flag: Option<&str>, user: &str, set: &[&str]) -> Result<Choice, Unchosen> {
        let files = Files::parse(None, Some((Path::new("config.toml"), user.to_owned())), None).unwrap();
        let settled = Settled::settle(files, &Flags::default(), &[], &[]).unwrap();
        let families = Families::new(Vec::new()).unwrap();
        choose(flag, &settled, families.providers(), &|name| set.contains(&name))
    }

    /// `alias=model` of each, and where the first is from.
    fn models(flag: Option<&str>, user: &str, set: &[&str]) -> (Vec<String>, String) {
        match chosen(flag, user, set).unwrap() {
            Choice::Models(models) => (
                models.iter().map(|(alias, said)| format!("{alias}={}", said.value.model)).collect(),
                models.values().next().unwrap().from.to_string(),
            ),
            Choice::Ask(candidates) => panic!("{candidates:?}"),
        }
    }

    const ANTHROPIC: &str = "ANTHROPIC_API_KEY";
    const OPENAI: &str = "OPENAI_API_KEY";
    const LOCAL: &str =
        "[models]\ndefault = \"ollama/qwen\"\nown = \"house/x\"\n[provider.house]\nurl = \"https://x.example\"\n";

    #[test]
    fn the_one_key_that_is_there_decides() {
        let (models, from) = models(None, "", &[ANTHROPIC, "GEMINI_API_KEY"]);
        assert_eq!((models.len(), from.as_str()), (3, "$ANTHROPIC_API_KEY"));
        assert!(models.iter().all(|model| model.contains("=anthropic/claude-")), "{models:?}");
    }

    #[test]
    fn two_keys_are_a_question() {
        let Choice::Ask(candidates) = chosen(None, "", &[OPENAI, ANTHROPIC]).unwrap() else { panic!() };
        let names: Vec<_> = candidates.iter().map(|candidate| candidate.provider.as_str()).collect();
        assert_eq!(names, ["anthropic", "openai"]);
        let error = Unchosen::Several(candidates).to_string();
        assert!(error.contains("type: -m anthropic ") && error.contains("type: -m openai "), "{error}");
        // The answer.
        let (models, from) = models(Some("openai"), "", &[OPENAI, ANTHROPIC]);
        assert!(models.iter().all(|model| model.contains("=openai/")) && from == "-m", "{models:?}");
    }

    #[test]
    fn no_key_says_what_to_type() {
        let error = chosen(None, "", &[]).unwrap_err();
        assert_eq!(error.code(), "no-model");
        let text = error.to_string();
        assert!(text.contains("export ANTHROPIC_API_KEY=…") && text.contains("-m ollama/MODEL"), "{text}");
        let error = chosen(Some("openai/gpt-6-luna"), "", &[ANTHROPIC]).unwrap_err();
        assert!(error.to_string().contains("type: export OPENAI_API_KEY=…"), "{error}");
        assert_eq!(chosen(Some("anthropic"), "", &[OPENAI]).unwrap_err().code(), "no-key");
        assert_eq!(chosen(None, "[models]\ndefault = \"openai/x\"", &[ANTHROPIC]).unwrap_err().code(), "no-key");
        // A key in another place is for the one to find who asks.
        let elsewhere = "[models]\ndefault = \"openai/x\"\n[provider.openai]\nkey = { keyring = \"work\" }";
        assert_eq!(models(None, elsewhere, &[]).0, ["default=openai/x"]);
    }

    #[test]
    fn the_users_file_goes_before_keys_and_the_flag_before_both() {
        let (own, from) = models(None, LOCAL, &[OPENAI, ANTHROPIC]);
        assert_eq!(
            (own, from.as_str()),
            (vec!["default=ollama/qwen".to_owned(), "own=house/x".into()], "config.toml:2")
        );
        let (models_, from) = models(Some("anthropic/claude-haiku-5-5"), LOCAL, &[ANTHROPIC]);
        assert_eq!(models_.len(), 4);
        assert!(models_.iter().all(|model| model.ends_with("=anthropic/claude-haiku-5-5")) && from == "-m");
        assert!(models(Some("own"), LOCAL, &[]).0.iter().all(|model| model.ends_with("=house/x")));
        // A local server needs no key, and is asked because it is named.
        assert_eq!(models(Some("ollama/qwen"), "", &[OPENAI, ANTHROPIC]).0.len(), 3);
    }

    #[test]
    fn what_is_no_model_is_refused_with_what_was_meant() {
        for (flag, said) in [
            ("antropic/claude", "-m: `antropic/claude` is no model; did you mean `anthropic/claude`?"),
            ("ollma", "-m: `ollma` is no model; did you mean `ollama`?"),
            ("onw", "-m: `onw` is no model; did you mean `own`?"),
            ("somewhere/x", "-m: `somewhere/x` is no model: write provider/model, with one of anthropic, "),
            ("gpt", "-m: `gpt` is no model: write provider/model"),
            ("ollama/", "-m: `ollama/` is no model: write provider/model"),
            ("ollama/a b", "-m: `ollama/a b` is no model: write provider/model"),
        ] {
            let error = chosen(Some(flag), LOCAL, &[]).unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
        let error = chosen(None, "\n[models]\nfast = \"nowhere/x\"", &[]).unwrap_err().to_string();
        assert!(error.starts_with("config.toml:3: `nowhere/x` is no model"), "{error}");
    }
}
