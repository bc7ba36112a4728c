# Hidden: run in a checkout of the result.
set -eu
cat > check.rs <<'RUST'
#[path = "src/lib.rs"]
mod subject;
use subject::*;
#[test]
fn rows_become_one() {
    assert_eq!(slug("Hello,  world"), "hello-world");
    assert_eq!(slug("  (Really?)"), "really");
    assert_eq!(slug("a-b"), "a-b");
    assert_eq!(slug("!!!"), "");
}
RUST
rustc --edition 2024 --test -A warnings check.rs -o check.bin
./check.bin --quiet
