# Hidden: run in a checkout of the result.
set -eu
cat > check.rs <<'RUST'
#[path = "src/lib.rs"]
mod subject;
use subject::*;
#[test]
fn it_saturates() {
    assert_eq!(more(1), 2);
    assert_eq!(more(u32::MAX), u32::MAX);
}
RUST
rustc --edition 2024 --test -A warnings check.rs -o check.bin
./check.bin --quiet
