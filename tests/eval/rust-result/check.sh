# Hidden: run in a checkout of the result.
set -eu
cat > check.rs <<'RUST'
#[path = "src/lib.rs"]
mod subject;
use subject::*;
#[test]
fn lines_are_named() {
    assert_eq!(sum("1\n2"), Ok(3));
    assert_eq!(sum("1\n\n2\n"), Ok(3));
    assert_eq!(sum("1\n\nx"), Err(3));
    assert_eq!(average("2\n4"), Ok(Some(3)));
    assert_eq!(average(""), Ok(None));
    assert_eq!(average("x"), Err(1));
}
RUST
rustc --edition 2024 --test -A warnings check.rs -o check.bin
./check.bin --quiet
