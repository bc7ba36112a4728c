//! Every refusal that `wit/` promises has a test that says so: `/// Refuses: noun.function kind` on the test itself.
//!
//! What is promised is read from the lines `Refuses:` of the contract, and from the list of kinds that any function may
//! answer. A marker counts only if the test's own body speaks of that kind; one that names what nobody promised is a
//! fault too, so that neither side can be forgotten.

use std::collections::BTreeSet;

use syn::visit::Visit;

use super::File;

/// `noun.function`, or `any`; and a kind.
type Refusal = (String, String);

/// The word that stands for every function.
const ANY: &str = "any";

/// What is promised and not tested, tested and not promised, or said to be tested and not looked at.
pub fn unproven(wit: &[(&str, &str)], files: &[File]) -> Vec<String> {
    let kinds = kinds(wit);
    let promised = promised(wit, &kinds);
    let mut wrong: Vec<String> = kinds
        .iter()
        .filter(|kind| !promised.iter().any(|(_, promised)| promised == *kind))
        .map(|kind| format!("wit/types.wit: no function refuses with `{kind}`"))
        .collect();
    let mut proven = BTreeSet::new();
    for file in files {
        let mut tests = Tests::default();
        tests.visit_file(&file.tree);
        for (test, refusal, looked_at) in tests.marked {
            let (function, kind) = &refusal;
            if !promised.contains(&refusal) {
                wrong.push(format!(
                    "{}: {test} is marked with `{function} {kind}`, which wit/ does not name",
                    file.path
                ));
            } else if !looked_at {
                wrong.push(format!("{}: {test} is marked with `{function} {kind}` and never speaks of it", file.path));
            }
            proven.insert(refusal);
        }
    }
    let missing = promised.difference(&proven);
    wrong.extend(missing.map(|(function, kind)| format!("wit/: no test is marked `/// Refuses: {function} {kind}`")));
    wrong
}

/// The words in backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The words that `error.kind` can be.
fn kinds(wit: &[(&str, &str)]) -> BTreeSet<String> {
    let types = wit.iter().filter(|(noun, _)| *noun == "types").flat_map(|(_, text)| text.lines());
    let listed = types.filter_map(|line| line.trim().strip_prefix("/// - `")?.split_once('`'));
    listed.map(|(kind, _)| kind.to_owned()).collect()
}

fn promised(wit: &[(&str, &str)], kinds: &BTreeSet<String>) -> BTreeSet<Refusal> {
    let mut promised = BTreeSet::new();
    for (noun, text) in wit {
        let mut refuses = String::new();
        let mut speaks = false;
        for line in text.lines().map(str::trim) {
            if let Some(doc) = line.strip_prefix("///").map(str::trim) {
                let said = doc.strip_prefix("Refuses:").or_else(|| doc.strip_prefix("Any function may answer"));
                // It ends with the next remark of its sort, or the sentence's own end in `types.wit`.
                speaks = said.is_some()
                    || speaks
                        && !doc.is_empty()
                        && !["Remembered:", "Costs:"].iter().any(|other| doc.starts_with(other));
                if speaks {
                    refuses.push_str(said.unwrap_or(doc));
                }
            } else {
                let function =
                    line.split_once(": func(").map(|(name, _)| format!("{noun}.{}", name.trim_start_matches('%')));
                let named =
                    function.or_else(|| (*noun == "types" && line.starts_with("record error")).then(|| ANY.to_owned()));
                let found: Vec<String> =
                    quoted(&refuses).filter(|word| kinds.contains(*word)).map(str::to_owned).collect();
                promised.extend(
                    named.into_iter().flat_map(|name| found.iter().map(move |kind| (name.clone(), kind.clone()))),
                );
                refuses.clear();
                speaks = false;
            }
        }
    }
    promised
}

/// The marked tests of a file: their names, what they are marked with, and whether their bodies speak of it.
#[derive(Default)]
struct Tests {
    marked: Vec<(String, Refusal, bool)>,
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let is_test =
            |attribute: &&syn::Attribute| attribute.path().segments.last().is_some_and(|last| last.ident == "test");
        let markers: Vec<Refusal> = function.attrs.iter().flat_map(marker).collect();
        if function.attrs.iter().any(|attribute| is_test(&attribute)) && !markers.is_empty() {
            let mut words = Words::default();
            words.visit_block(&function.block);
            let name = function.sig.ident.to_string();
            self.marked.extend(markers.into_iter().map(|refusal| {
                let looked_at = words.speak_of(&refusal.1);
                (name.clone(), refusal, looked_at)
            }));
        }
        syn::visit::visit_item_fn(self, function);
    }
}

/// What a doc line of a test says it proves.
fn marker(attribute: &syn::Attribute) -> Vec<Refusal> {
    let syn::Meta::NameValue(syn::MetaNameValue { value: syn::Expr::Lit(literal), .. }) = &attribute.meta else {
        return Vec::new();
    };
    let syn::Lit::Str(doc) = &literal.lit else { return Vec::new() };
    let doc = doc.value();
    let Some(list) = doc.trim().strip_prefix("Refuses:") else { return Vec::new() };
    let pairs = list.trim().trim_end_matches('.').split(',').map(str::trim);
    pairs.map(|pair| pair.split_once(' ').unwrap_or((pair, ""))).map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
}

/// Every name and text in a body, those inside macros too.
#[derive(Default)]
struct Words {
    text: String,
}

impl<'ast> Visit<'ast> for Words {
    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.text.push_str(&format!(" {ident} "));
    }

    fn visit_lit_str(&mut self, literal: &'ast syn::LitStr) {
        self.text.push_str(&literal.value());
    }

    fn visit_macro(&mut self, found: &'ast syn::Macro) {
        self.text.push_str(&found.tokens.to_string());
    }
}

impl Words {
    /// As `ErrorKind::NotFound`, or as the word an agent is told.
    fn speak_of(&self, kind: &str) -> bool {
        let camel: String = kind.split('-').map(|part| part[..1].to_uppercase() + &part[1..]).collect();
        !kind.is_empty() && (self.text.contains(kind) || self.text.contains(&camel))
    }
}
