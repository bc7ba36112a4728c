//! Where an agent's manifest lives: a custom section of its component, written by the build and read before anything
//! else is believed of the file.
//!
//! Only the section's frame is parsed here, by hand: it is a few lines, it runs on files that nobody has validated yet,
//! and everything that needs to know more about a component belongs to the engine.
//!
//! It uses nothing but the standard library, so that the build can include this one file before anything else is built.

use std::fmt;

/// The section's name: the contract's package. The bytes after it are the whole of `agent.toml`.
pub const SECTION: &str = "pit:agent";

const MAGIC: &[u8] = b"\0asm";
/// The version and layer that follow the magic number in a component, and in a core module.
const COMPONENT: &[u8] = &[0x0d, 0, 1, 0];
const CORE_MODULE: &[u8] = &[1, 0, 0, 0];
const CUSTOM: u8 = 0;

/// Why a manifest could not be put into a file, or read out of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbedError {
    /// The magic number is missing.
    NotWasm,
    /// A core module, as compilers without support for components make.
    CoreModule,
    /// Another version of the binary format.
    OtherVersion,
    /// A section that does not end, or a length that is none.
    Damaged {
        /// Where what could not be read begins.
        at: usize,
    },
    /// The component carries a manifest already; two would leave it open which one counts.
    Twice,
    /// The section is not text.
    NotText,
}

impl fmt::Display for EmbedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EmbedError::NotWasm => f.write_str("not a WebAssembly file"),
            EmbedError::CoreModule => f.write_str(
                "a WebAssembly module, not a component; build it for wasm32-wasip2, or wrap it with wasm-tools",
            ),
            EmbedError::OtherVersion => f.write_str("a WebAssembly file of another version than components have"),
            EmbedError::Damaged { at } => write!(f, "the file is damaged at byte {at}"),
            EmbedError::Twice => f.write_str("the component has a manifest already"),
            EmbedError::NotText => f.write_str("the manifest in the component is not UTF-8 text"),
        }
    }
}

impl std::error::Error for EmbedError {}

/// The component with a manifest at its end.
///
/// # Errors
/// If it is no component, is damaged, or has a manifest already.
pub fn embed(component: &[u8], manifest: &str) -> Result<Vec<u8>, EmbedError> {
    if find(component)?.is_some() {
        return Err(EmbedError::Twice);
    }
    let mut payload = Vec::with_capacity(manifest.len() + SECTION.len() + 5);
    push_len(&mut payload, SECTION.len());
    payload.extend_from_slice(SECTION.as_bytes());
    payload.extend_from_slice(manifest.as_bytes());

    let mut out = Vec::with_capacity(component.len() + payload.len() + 6);
    out.extend_from_slice(component);
    out.push(CUSTOM);
    push_len(&mut out, payload.len());
    out.extend_from_slice(&payload);
    Ok(out)
}

/// The manifest of a component, if it has one.
///
/// # Errors
/// If it is no component, is damaged, or has two manifests or one that is not text.
pub fn extract(component: &[u8]) -> Result<Option<String>, EmbedError> {
    let Some(bytes) = find(component)? else { return Ok(None) };
    let text = std::str::from_utf8(bytes).map_err(|_| EmbedError::NotText)?;
    Ok(Some(text.to_owned()))
}

/// The bytes of the one section of our name, among the component's own: sections of the modules and components within
/// it are not looked at, so what is nested cannot speak for the whole.
fn find(component: &[u8]) -> Result<Option<&[u8]>, EmbedError> {
    let mut rest = Reader { bytes: component, at: 0 };
    if rest.take(MAGIC.len()).ok() != Some(MAGIC) {
        return Err(EmbedError::NotWasm);
    }
    match rest.take(COMPONENT.len())? {
        COMPONENT => {}
        CORE_MODULE => return Err(EmbedError::CoreModule),
        _ => return Err(EmbedError::OtherVersion),
    }
    let mut found = None;
    while let Some(id) = rest.byte() {
        let mut section = rest.section()?;
        if id != CUSTOM {
            continue;
        }
        let name = section.section()?;
        if name.bytes == SECTION.as_bytes() && found.replace(section.left()).is_some() {
            return Err(EmbedError::Twice);
        }
    }
    Ok(found)
}

/// Bytes and how far they are read. `at` counts from the file's start, for messages; `bytes` is what is left.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn left(self) -> &'a [u8] {
        self.bytes
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], EmbedError> {
        let (taken, rest) = self.bytes.split_at_checked(len).ok_or(EmbedError::Damaged { at: self.at })?;
        self.bytes = rest;
        self.at = self.at.saturating_add(len);
        Ok(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).ok().and_then(|taken| taken.first().copied())
    }

    /// A length and that many bytes.
    fn section(&mut self) -> Result<Reader<'a>, EmbedError> {
        let len = self.len()?;
        let at = self.at;
        Ok(Reader { bytes: self.take(len)?, at })
    }

    /// A `u32` in LEB128. Padding with zero groups is legal up to the fifth byte, which has room for four bits only.
    fn len(&mut self) -> Result<usize, EmbedError> {
        let damaged = EmbedError::Damaged { at: self.at };
        let mut value: u32 = 0;
        for shift in [0, 7, 14, 21, 28] {
            let Some(byte) = self.byte() else { return Err(damaged) };
            let group = u32::from(byte & 0x7f);
            if shift == 28 && group > 0x0f {
                return Err(damaged);
            }
            value |= group << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(value).map_err(|_| damaged);
            }
        }
        Err(damaged)
    }
}

fn push_len(out: &mut Vec<u8>, mut len: usize) {
    loop {
        let group = (len & 0x7f) as u8;
        len >>= 7;
        if len == 0 {
            out.push(group);
            return;
        }
        out.push(group | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component there is.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn custom(name: &str, data: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        push_len(&mut payload, name.len());
        payload.extend_from_slice(name.as_bytes());
        payload.extend_from_slice(data);
        section(CUSTOM, &payload)
    }

    fn section(id: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![id];
        push_len(&mut out, payload.len());
        out.extend_from_slice(payload);
        out
    }

    #[test]
    fn what_was_embedded_is_extracted_and_the_component_is_kept() {
        let component = [EMPTY, &custom("name", b"x"), &section(1, &[0; 300])].concat();
        for manifest in ["", "schema = 1\n", &"é".repeat(20_000)] {
            let out = embed(&component, manifest).unwrap();
            assert!(out.starts_with(&component));
            assert_eq!(extract(&out).unwrap().as_deref(), Some(manifest));
        }
        assert_eq!(extract(&component).unwrap(), None);
    }

    #[test]
    fn a_second_manifest_is_refused_by_both() {
        let one = embed(EMPTY, "a").unwrap();
        assert_eq!(embed(&one, "a"), Err(EmbedError::Twice));
        assert_eq!(extract(&[one, custom(SECTION, b"b")].concat()), Err(EmbedError::Twice));
    }

    #[test]
    fn a_manifest_within_a_nested_component_counts_for_nothing() {
        let inner = embed(EMPTY, "inner").unwrap();
        let outer = [EMPTY, &section(4, &inner)].concat();
        assert_eq!(extract(&outer).unwrap(), None);
        assert_eq!(extract(&embed(&outer, "outer").unwrap()).unwrap().as_deref(), Some("outer"));
    }

    #[test]
    fn what_is_no_component_is_refused_by_name() {
        assert_eq!(extract(b"#!/bin/sh\n"), Err(EmbedError::NotWasm));
        assert_eq!(extract(b""), Err(EmbedError::NotWasm));
        assert_eq!(extract(b"\0asm\x01\0\0\0"), Err(EmbedError::CoreModule));
        assert_eq!(extract(b"\0asm\x0e\0\x01\0"), Err(EmbedError::OtherVersion));
        assert_eq!(extract(b"\0asm\x0d"), Err(EmbedError::Damaged { at: 4 }));
    }

    #[test]
    fn damage_is_found_where_it_is() {
        let cases: [(&[u8], usize); 6] = [
            (&[0], 9),                                   // no length
            (&[0, 0x80], 9),                             // a length that does not end
            (&[0, 0xff, 0xff, 0xff, 0xff, 0x1f, 0], 9),  // a length over 32 bits
            (&[0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0], 14), // 4 GiB that are not there
            (&[0, 1, 5], 11),                            // a name longer than its section
            (&[0, 0], 10),                               // a custom section without a name
        ];
        for (tail, at) in cases {
            assert_eq!(extract(&[EMPTY, tail].concat()), Err(EmbedError::Damaged { at }), "{tail:?}");
        }
        assert_eq!(extract(&[EMPTY, &custom(SECTION, b"\xff")].concat()), Err(EmbedError::NotText));
    }

    #[test]
    fn a_padded_length_is_legal() {
        let padded = [EMPTY, &[0, 0x8b, 0x80, 0x80, 0x80, 0x00, 9], SECTION.as_bytes(), b"x"].concat();
        assert_eq!(extract(&padded).unwrap().as_deref(), Some("x"));
    }

    #[test]
    fn no_damage_makes_it_panic() {
        let whole = embed(&[EMPTY, &custom("name", b"x"), &section(1, &[0; 200])].concat(), "m").unwrap();
        for at in 0..whole.len() {
            let _ = extract(&whole[..at]);
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                let _ = embed(&damaged, "n");
                let _ = extract(&damaged);
            }
        }
    }
}
