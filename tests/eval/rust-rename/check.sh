# Hidden: run in a checkout of the result.
set -eu
cat > check.rs <<'RUST'
#[path = "src/lib.rs"]
mod subject;
use subject::*;
#[test]
fn it_is_renamed() {
    let text = Text("né".into());
    assert_eq!((text.byte_len(), text.char_len()), (3, 2));
    assert_eq!(report::line(&text), "3 bytes");
}
RUST
rustc --edition 2024 --test -A warnings check.rs -o check.bin
./check.bin --quiet
if grep -rnw "size" src docs; then exit 1; fi
grep -q byte_len docs/api.md
