//! Interfaces that are there and empty: the file system and sockets.
//!
//! Languages' libraries import them whether an agent uses them or not (C and Rust the first, CPython both), so they must
//! be there. Their functions take something that has to be opened first, a folder or a socket, and nothing here opens any:
//! the list of opened folders is empty, making a socket or looking up a name is answered with "access denied" in the
//! interface's own words, and so is whatever else has such an answer. What has none ends the guest. There is nothing
//! behind the names: no way from a guest to a file or a network.

use wasmtime::StoreContextMut;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Type};
use wasmtime::component::{Component, Linker, Resource, ResourceType, Val};

use crate::guest::store::State;

/// What stands for a network, the one thing that is had without asking. Nothing can be done with it.
struct Nothing;

const HOLLOW: &[&str] = &["wasi:filesystem/", "wasi:sockets/"];

/// The words for "no" in the errors of these interfaces.
const DENIED: &[&str] = &["access-denied", "access"];

/// What a function answers.
#[derive(Clone, Copy)]
enum Reply {
    /// `get-directories`
    EmptyList,
    /// `instance-network`
    Nothing,
    Denied(&'static str),
    End,
}

/// Offers a component the names it imports of these interfaces, whatever their version has.
pub(super) fn link(linker: &mut Linker<State>, component: &Component) -> wasmtime::Result<()> {
    let engine = component.engine();
    // An interface repeats the resources it uses of others; those stay what the others say they are.
    let mut seen = Vec::new();
    for (import, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(wanted) = item.ty else { continue };
        let hollow = HOLLOW.iter().any(|package| import.starts_with(package));
        for (name, item) in wanted.exports(engine) {
            match item.ty {
                ComponentItem::ComponentFunc(wanted) if hollow => {
                    let reply = reply(&wanted);
                    let called = format!("{import} {name} was called, though nothing was ever opened");
                    linker.instance(import)?.func_new_async(name, move |store, _, given, results| {
                        let called = called.clone();
                        Box::new(async move {
                            let (Some(result), Some(value)) = (results.first_mut(), answer(store, reply, given).await?)
                            else {
                                return Err(wasmtime::Error::msg(called));
                            };
                            *result = value;
                            Ok(())
                        })
                    })?;
                }
                ComponentItem::Resource(resource) if !seen.contains(&resource) => {
                    seen.push(resource);
                    if hollow {
                        linker.instance(import)?.resource(name, ResourceType::host::<Nothing>(), |_, _| Ok(()))?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// None for what has no answer.
async fn answer(mut store: StoreContextMut<'_, State>, reply: Reply, given: &[Val]) -> wasmtime::Result<Option<Val>> {
    for value in given {
        // What was lent for the call goes back.
        if let Val::Resource(lent) = value {
            lent.resource_drop_async(&mut store).await?;
        }
    }
    Ok(match reply {
        Reply::EmptyList => Some(Val::List(Vec::new())),
        Reply::Nothing => Some(Val::Resource(Resource::<Nothing>::new_own(0).try_into_resource_any(store)?)),
        Reply::Denied(word) => Some(Val::Result(Err(Some(Box::new(Val::Enum(word.to_owned())))))),
        Reply::End => None,
    })
}

/// By the type of its result, which each of these interfaces chose to be able to say no with.
fn reply(func: &ComponentFunc) -> Reply {
    match func.results().next() {
        Some(Type::List(_)) => Reply::EmptyList,
        Some(Type::Own(_)) => Reply::Nothing,
        Some(Type::Result(result)) => match result.err() {
            Some(Type::Enum(error)) => DENIED
                .iter()
                .find(|word| error.names().any(|name| name == **word))
                .map_or(Reply::End, |word| Reply::Denied(word)),
            _ => Reply::End,
        },
        _ => Reply::End,
    }
}
