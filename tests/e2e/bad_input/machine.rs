//! Machines that are full, and homes that cannot be written.

use std::process::Command;

use orchestra_pit_tests::{Said, Stage, pit};

use crate::run::script;

/// Runs a shell's script where file systems can be mounted, for this process alone. None where the system does not let us.
fn apart(stage: &Stage, text: &str) -> Option<Said> {
    let may = Command::new("unshare").args(["-Urm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
    if !may.is_ok_and(|said| said.status.success()) {
        eprintln!("skipped: this system lets nobody mount in a namespace of their own");
        return None;
    }
    let plain = stage.command(&[]);
    let mut shell = Command::new("unshare");
    shell.env_clear().args(["-Urm", "sh", "-euc", text]).current_dir(stage.repo());
    for (name, value) in plain.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    let output = shell.env("PIT", pit()).env("STAGE", stage.home()).output().expect("unshare");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some(Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) })
}

#[test]
fn a_full_disk_is_said_and_what_was_done_is_kept() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    // However much room there is, whatever is written when it ends: the same promise.
    for room in [40, 120, 200, 400] {
        let Some(said) = apart(
            &stage,
            &format!(
                r#"
mkdir -p "$STAGE/small"; mount -t tmpfs -o size=8m none "$STAGE/small"; cp -a . "$STAGE/small/repo"; cd "$STAGE/small/repo"
left=$(df -k --output=avail . | tail -1)
dd if=/dev/zero of="$STAGE/small/filler" bs=1k count=$((left - {room})) 2>/dev/null
code=0; "$PIT" run --solo "Never overflow" -m "{model}" >"$STAGE/said" 2>&1 || code=$?
echo "first $code"; sed 's/^/said /' "$STAGE/said"
rm "$STAGE/small/filler"
if [ "$code" != 3 ]; then
    if [ -z "$("$PIT" ls)" ]; then "$PIT" run --solo "Never overflow" -m "{model}" || code=$?; else "$PIT" resume -m "{model}" || code=$?; fi
fi
echo "then $code"
git fsck --strict --no-dangling; "$PIT" replay
git show "$(git for-each-ref --format='%(refname)' refs/heads/pit/ | tail -1)":src/lib.rs
"#
            ),
        ) else {
            return;
        };
        let first = said.out.lines().find_map(|line| line.strip_prefix("first ")).unwrap_or_default().to_owned();
        assert!(said.out.contains("then 3") && said.out.contains("saturating_add"), "{room} KiB: {said:?}");
        if first != "3" {
            let told: String = said.out.lines().filter(|line| line.starts_with("said ")).collect();
            let full = ["No space left", "disk is full"].iter().any(|text| told.contains(text));
            assert!(full && (told.contains("kept") || told.contains("nothing was")), "{room} KiB: {said:?}");
        }
    }
}

#[test]
fn a_disk_that_fills_up_in_the_middle_stops_the_run_and_leaves_nobody_waiting() {
    let stage = Stage::new();
    // The model takes its time, in which the disk fills up.
    let model =
        stage.script(&script("").replacen("[[conversation.reply]]", "[[conversation.reply]]\ndelay_ms = 3000", 1));
    let Some(said) = apart(
        &stage,
        &format!(
            r#"
mkdir -p "$STAGE/small"; mount -t tmpfs -o size=8m none "$STAGE/small"; cp -a . "$STAGE/small/repo"; cd "$STAGE/small/repo"
(sleep 1.5; dd if=/dev/zero of="$STAGE/small/filler" bs=1k 2>/dev/null) &
code=0; timeout 60 "$PIT" run --solo "Never overflow" -m "{model}" >"$STAGE/said" 2>&1 || code=$?
echo "first $code"; sed 's/^/said /' "$STAGE/said"
wait || true; rm "$STAGE/small/filler"
code=0; "$PIT" resume -m "{model}" || code=$?
echo "then $code"
"#
        ),
    ) else {
        return;
    };
    assert!(said.out.contains("first 8") && said.out.contains("then 3"), "{said:?}");
    assert!(said.out.contains("the disk is full where the journal is"), "{said:?}");
    assert!(!said.out.contains("stopped: stopped:"), "{said:?}");
}

#[test]
fn a_home_that_cannot_be_written_is_no_hindrance() {
    let stage = Stage::new();
    let model = stage.script(&script(""));
    let Some(said) = apart(
        &stage,
        &format!(
            r#"
unset XDG_CACHE_HOME XDG_RUNTIME_DIR; mkdir "$STAGE/../tmp"; export TMPDIR="$STAGE/../tmp"
mount --bind "$HOME" "$HOME"; mount -o remount,ro,bind "$HOME"
if touch "$HOME/x" 2>/dev/null; then echo writable; exit 9; fi
exec "$PIT" run --solo "Never overflow" -m "{model}"
"#
        ),
    ) else {
        return;
    };
    let _ = said.exits(3);
    assert!(stage.git(&["for-each-ref", "refs/heads/pit/"]).contains("never-overflow"));
}
