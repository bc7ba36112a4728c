//! What is looked at before a component is compiled: that it is one, that it is not too much to compile, and that it
//! wants nothing that no agent is given. One pass over the bytes; nothing is allocated by what they say.

use wasmparser::{Chunk, ComponentExternalKind, ComponentTypeRef, Encoding, Parser, Payload, TypeBounds};

use super::import::{self, Contract};
use super::load::{Form, LoadError};
use super::wasi;

/// Bytes of a component. CPython with its library is 18 MB.
pub(super) const MAX_SIZE: u64 = 64 << 20;
/// Functions of all its modules. CPython has about 13,000.
const MAX_FUNCTIONS: u64 = 60_000;
/// Bytes of one function. Register allocation takes more than linear time; what compilers put out stays far below.
const MAX_FUNCTION: u64 = 2 << 20;
/// Locals of one function, as browsers have it.
const MAX_LOCALS: u64 = 50_000;
/// Data segments of all its modules.
const MAX_SEGMENTS: u64 = 100_000;
/// Imports of the component itself.
const MAX_IMPORTS: u64 = 100;
/// Modules, components and instances inside it, at any depth.
const MAX_PARTS: u64 = 1_000;

/// Looks a component over. Answers the contract it was built against.
pub(super) fn check(wasm: &[u8]) -> Result<Contract, LoadError> {
    at_most("bytes", wasm.len() as u64, MAX_SIZE)?;
    form(wasm)?;
    let mut seen = Seen::default();
    let mut parser = Parser::new(0);
    // The parsers of what encloses the part that is being read; its length is the depth.
    let mut outer = Vec::new();
    let mut rest = wasm;
    loop {
        let (consumed, payload) = match parser.parse(rest, true).map_err(|why| LoadError::Invalid(why.to_string()))? {
            Chunk::Parsed { consumed, payload } => (consumed, payload),
            // All bytes are here, so there is no more to be had.
            Chunk::NeedMoreData(_) => return Err(LoadError::Invalid("it ends too early".to_owned())),
        };
        rest = rest.get(consumed..).unwrap_or_default();
        match payload {
            Payload::ModuleSection { parser: inner, .. } | Payload::ComponentSection { parser: inner, .. } => {
                seen.part()?;
                outer.push(std::mem::replace(&mut parser, inner));
            }
            Payload::End(_) => match outer.pop() {
                Some(enclosing) => parser = enclosing,
                None => break,
            },
            payload => seen.payload(payload, outer.is_empty())?,
        }
    }
    if !rest.is_empty() {
        return Err(LoadError::Invalid("there is something after its end".to_owned()));
    }
    if !seen.run {
        return Err(LoadError::NoRun);
    }
    Ok(seen.contract.unwrap_or_default())
}

/// Tells what bytes are by their first few.
fn form(wasm: &[u8]) -> Result<(), LoadError> {
    let form = match wasm {
        [] => Form::Empty,
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Form::CoreModule,
        [0, b'a', b's', b'm', ..] => return Ok(()),
        [0x7f, b'E', b'L', b'F', ..] => Form::Precompiled,
        _ if std::str::from_utf8(wasm).is_ok_and(|text| !text.contains('\0')) => Form::Text,
        _ => Form::Unknown,
    };
    Err(LoadError::NotAComponent(form))
}

fn at_most(what: &'static str, size: u64, limit: u64) -> Result<(), LoadError> {
    if size > limit { Err(LoadError::TooLarge { what, size, limit }) } else { Ok(()) }
}

#[derive(Default)]
struct Seen {
    functions: u64,
    segments: u64,
    parts: u64,
    contract: Option<Contract>,
    run: bool,
}

impl Seen {
    fn part(&mut self) -> Result<(), LoadError> {
        self.parts += 1;
        at_most("modules and instances", self.parts, MAX_PARTS)
    }

    fn payload(&mut self, payload: Payload<'_>, top: bool) -> Result<(), LoadError> {
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if top => {
                return Err(LoadError::NotAComponent(Form::CoreModule));
            }
            Payload::FunctionSection(section) => {
                self.functions += u64::from(section.count());
                at_most("functions", self.functions, MAX_FUNCTIONS)?;
            }
            Payload::CodeSectionEntry(body) => {
                at_most("bytes in one function", body.range().len() as u64, MAX_FUNCTION)?;
                let mut locals = 0u64;
                for local in body.get_locals_reader().map_err(invalid)? {
                    locals += u64::from(local.map_err(invalid)?.0);
                    at_most("locals in one function", locals, MAX_LOCALS)?;
                }
            }
            Payload::DataSection(section) => {
                self.segments += u64::from(section.count());
                at_most("data segments", self.segments, MAX_SEGMENTS)?;
            }
            Payload::InstanceSection(section) => {
                for _ in 0..section.count() {
                    self.part()?;
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for _ in 0..section.count() {
                    self.part()?;
                }
            }
            Payload::ComponentImportSection(section) if top => {
                at_most("imports", u64::from(section.count()), MAX_IMPORTS)?;
                for import in section {
                    let import = import.map_err(invalid)?;
                    // A name for a type that an imported instance has: nothing is wanted by it.
                    if !matches!(import.ty, ComponentTypeRef::Type(TypeBounds::Eq(_))) {
                        self.import(import.name.name)?;
                    }
                }
            }
            Payload::ComponentExportSection(section) if top => {
                for export in section {
                    let export = export.map_err(invalid)?;
                    self.run |= export.name.name == "run" && export.kind == ComponentExternalKind::Func;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn import(&mut self, name: &str) -> Result<(), LoadError> {
        if wasi::offers(name) {
            return Ok(());
        }
        self.contract = Some(import::contract(name)?);
        Ok(())
    }
}

fn invalid(why: wasmparser::BinaryReaderError) -> LoadError {
    LoadError::Invalid(why.to_string())
}
