//! Bytes in a call or an answer: a file's contents, an opaque part.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Bytes that are written as text where they are UTF-8, and as hex where not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Bytes(pub Arc<[u8]>);

impl<T: Into<Arc<[u8]>>> From<T> for Bytes {
    fn from(bytes: T) -> Self {
        Self(bytes.into())
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Written<'a> {
    Text(std::borrow::Cow<'a, str>),
    Hex(std::borrow::Cow<'a, str>),
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Written::Text(text.into()).serialize(to),
            Err(_) => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let hex: String = self
                    .0
                    .iter()
                    .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
                    .map(char::from)
                    .collect();
                Written::Hex(hex.into()).serialize(to)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Written::deserialize(from)? {
            Written::Text(text) => Ok(Self(text.as_bytes().into())),
            Written::Hex(hex) => {
                let digit = |b: u8| char::from(b).to_digit(16).map(|d| d as u8);
                let pairs = hex.as_bytes().chunks(2).map(|pair| match pair {
                    [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                    _ => None,
                });
                pairs.collect::<Option<Vec<u8>>>().map(Into::into).ok_or_else(|| D::Error::custom("not hex"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_bytes_survive(bytes: Vec<u8>) {
            let bytes = Bytes::from(bytes);
            let json = serde_json::to_string(&bytes).unwrap();
            proptest::prop_assert_eq!(serde_json::from_str::<Bytes>(&json).unwrap(), bytes);
        }
    }

    #[test]
    fn broken_hex_is_an_error() {
        for bad in [r#"{"hex":"a"}"#, r#"{"hex":"zz"}"#, r#"{"hex":"é"}"#] {
            assert!(serde_json::from_str::<Bytes>(bad).is_err(), "{bad}");
        }
    }
}
