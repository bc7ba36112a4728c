//! Files: what is there, what may be written, and that nothing gets around it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use orchestra_pit_sandbox::{Ended, Mount};

use crate::common::{Folder, bare, python, run, run_with, sh};

fn writable(folder: &Folder, name: &str, exec: bool) -> Mount {
    Mount::Bind { from: folder.dir(name), to: "/w".into(), writable: true, exec }
}

#[test]
fn a_command_runs_with_its_words_and_its_output() {
    assert_eq!(run(&bare(&["printf", "%s|", "a b", "$HOME", ""])).well(), "a b|$HOME||");
    assert_eq!(run(&sh("pwd; uname -n; echo aside >&2")).well(), "/tmp\npit\n");
}

#[test]
fn the_system_is_read_only_and_tmp_is_not() {
    let said = run(&sh(
        "echo x > /tmp/x && cat /tmp/x; for at in /usr /usr/bin /etc / /dev /proc/sys/kernel; do (echo x > $at/x) 2>/dev/null && echo wrote $at; done; true",
    ));
    assert_eq!(said.well(), "x\n");
    run(&sh("touch /etc/passwd.new")).ill();
}

/// By the mounts themselves: Landlock refuses the same once more, and hides what would be missing here.
#[test]
fn what_is_not_to_be_written_is_mounted_so() {
    let folder = Folder::new();
    let mut spec = sh("cut -d' ' -f2,4 /proc/mounts");
    spec.mounts.push(Mount::read_only(folder.dir("r"), "/r"));
    spec.mounts.push(writable(&folder, "w", false));
    let mounts = run(&spec).well();
    let of = |at: &str| mounts.lines().find_map(|line| line.strip_prefix(at)?.strip_prefix(' ')).unwrap_or_default();
    for at in ["/", "/usr", "/dev", "/proc/sys", "/r"] {
        assert!(of(at).starts_with("ro,"), "{at}: {mounts}");
    }
    assert!(of("/w").starts_with("rw,nosuid,nodev,noexec"), "{mounts}");
    for at in ["/usr", "/r", "/tmp", "/home/pit", "/dev/shm"] {
        assert!(of(at).contains("nosuid,nodev"), "{at}: {mounts}");
    }
}

#[test]
fn nothing_of_the_host_is_there_but_what_is_named() {
    let seen = run(&sh("ls / /etc /dev /home; ls /root /work /sys /var/lib 2>&1")).well_or_ill();
    for secret in ["shadow", "ssh\n", "machine-id", "sda", "vda", "kvm", "mem\n"] {
        assert!(!seen.contains(secret), "{secret}: {seen}");
    }
    assert!(seen.contains("null") && seen.contains("passwd"), "{seen}");
}

#[test]
fn a_bind_is_written_only_if_it_says_so() {
    let folder = Folder::new();
    let mut spec = sh("echo in > /w/f");
    spec.mounts.push(writable(&folder, "w", true));
    run(&spec).well();
    assert_eq!(fs::read_to_string(folder.path("w/f")).expect("a file"), "in\n");
    spec.mounts.pop();
    spec.mounts.push(Mount::read_only(folder.path("w"), "/w"));
    run(&spec).ill();
}

#[test]
fn a_bind_is_executed_only_if_it_says_so() {
    let folder = Folder::new();
    folder.dir("w");
    let program = folder.file("w/p", "#!/bin/sh\necho ran\n");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("a program");
    let mut spec = sh("/w/p");
    spec.mounts.push(writable(&folder, "w", true));
    assert_eq!(run(&spec).well(), "ran\n");
    spec.mounts.pop();
    spec.mounts.push(writable(&folder, "w", false));
    run(&spec).ill();
}

#[test]
fn an_overlay_takes_folders_files_and_moves() {
    let folder = Folder::new();
    let overlay = folder.overlay();
    folder.dir("lower/d");
    folder.file("lower/d/f", "below");
    let mut spec = sh("cd /w && mkdir d/new && echo more >> d/f && mv d e && rm -r e/new && cat e/f && ls");
    spec.mounts.push(overlay);
    assert_eq!(run(&spec).well(), "belowmore\ne\n");
    assert_eq!(fs::read_to_string(folder.path("lower/d/f")).expect("a file"), "below");
    assert_eq!(fs::read_to_string(folder.path("over/upper/e/f")).expect("a file"), "belowmore\n");
}

#[test]
fn renaming_a_lower_folder_says_that_it_crosses_devices() {
    let folder = Folder::new();
    let overlay = folder.overlay();
    folder.dir("lower/d");
    let mut spec = python(
        "import os\nos.mkdir('/w/own'); os.rename('/w/own', '/w/moved')\ntry: os.rename('/w/d', '/w/e')\nexcept OSError as e: print(e.errno)",
    );
    spec.mounts.push(overlay);
    assert_eq!(run(&spec).well(), "18\n");
}

#[test]
fn what_one_command_left_is_below_the_next() {
    let folder = Folder::new();
    let with = |script| {
        let mut spec = sh(script);
        spec.mounts.push(folder.overlay());
        run(&spec).well()
    };
    with("echo one > /w/kept; sync /w/kept");
    with("echo two >> /w/kept");
    assert_eq!(with("cat /w/kept"), "one\ntwo\n");
}

#[test]
fn several_layers_are_seen_from_the_top() {
    let folder = Folder::new();
    let Mount::Overlay { upper, work, to, .. } = folder.overlay() else { unreachable!() };
    folder.dir("a:b, c");
    folder.file("a:b, c/f", "top");
    folder.file("lower/f", "bottom");
    folder.file("lower/g", "bottom");
    let lowers = vec![folder.path("a:b, c"), folder.path("lower")];
    let mut spec = sh("cat /w/f /w/g");
    spec.mounts.push(Mount::Overlay { lowers, upper, work, to });
    assert_eq!(run(&spec).well(), "topbottom");
}

#[test]
fn a_link_in_the_workspace_leads_no_mount_astray() {
    let folder = Folder::new();
    let work = folder.dir("w");
    folder.dir("inside");
    symlink("/etc", work.join("git")).expect("a link");
    let mut spec = sh("true");
    spec.mounts.push(writable(&folder, "w", true));
    spec.mounts.push(Mount::read_only(folder.path("inside"), "/w/git"));
    let error = run_with(&spec, b"").expect_err("a link").to_string();
    assert!(error.contains("/w/git"), "{error}");
    fs::remove_file(work.join("git")).expect("gone");
    fs::create_dir(work.join("git")).expect("a folder");
    run(&spec).well();
}

#[test]
fn a_set_uid_file_gives_nothing() {
    let folder = Folder::new();
    let program = folder.path("id");
    fs::copy("/usr/bin/id", &program).expect("a copy");
    // Of root if this is root, which is what makes it worth having.
    fs::set_permissions(&program, fs::Permissions::from_mode(0o6755)).expect("set-uid");
    let mut spec = sh("/s/id -u; /s/id -g; chmod 6755 /tmp; cp /usr/bin/id /tmp/id; chmod 6755 /tmp/id; /tmp/id -u");
    spec.mounts.push(Mount::read_only(folder.path(""), "/s"));
    let (uid, gid) = orchestra_pit_sandbox::layer_owner();
    assert_eq!(run(&spec).well(), format!("{uid}\n{gid}\n{uid}\n"));
}

#[test]
fn devices_cannot_be_made_and_pipes_can() {
    run(&sh("mkfifo /tmp/p && test -p /tmp/p")).well();
    for device in ["c 1 3", "b 254 0"] {
        assert!(run(&sh(&format!("mknod /tmp/d {device}"))).ill().contains("not permitted"));
    }
}

#[test]
fn no_right_is_left() {
    let status = run(&sh("grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups)' /proc/self/status")).well();
    for line in [
        "CapInh:\t0000000000000000",
        "CapPrm:\t0000000000000000",
        "CapEff:\t0000000000000000",
        "CapBnd:\t0000000000000000",
        "CapAmb:\t0000000000000000",
        "NoNewPrivs:\t1",
        "Seccomp:\t2",
    ] {
        assert!(status.contains(line), "{line}: {status}");
    }
}

#[test]
fn others_processes_are_not_there_and_the_first_is_closed() {
    let processes = run(&sh("ls -d /proc/[0-9]* | wc -l")).well();
    assert!(processes.trim().parse::<u32>().expect("a number") < 6, "{processes}");
    let reaches = "for at in environ mem fd maps ns/user root cwd exe; do cat /proc/1/$at /proc/1/$at/* 2>/dev/null && echo got $at; done; test -r /proc/self/environ && echo own";
    assert_eq!(run(&sh(reaches)).well(), "own\n");
    assert_eq!(run(&sh("cat /proc/keys /proc/kcore /proc/kallsyms 2>/dev/null; true")).well(), "");
}

#[test]
fn what_was_left_open_does_not_reach_a_command() {
    let folder = Folder::new();
    let secret = folder.file("secret", "secret");
    let spec = serde_json::to_string(&sh("ls /proc/self/fd | tr '\\n' ' '; cat <&9")).expect("JSON");
    let walled = |spec: &str, words: &[&str]| {
        let script = "exec 9< \"$1\"; shift; exec \"$@\"";
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, "sh"]).arg(&secret).args(words).arg(spec);
        String::from_utf8(command.output().expect("a shell").stdout).expect("text")
    };
    assert_eq!(walled("cat <&9", &["sh", "-c"]), "secret");
    assert_eq!(walled(&spec, &[crate::common::PROGRAM]).trim(), "0 1 2 3");
}

#[test]
fn a_copied_program_and_one_in_memory_have_the_same_walls() {
    let copied = sh("cp /bin/mount /tmp/harmless && /tmp/harmless -t tmpfs none /tmp");
    run(&copied).ill();
    let memory = "import os\nfd = os.memfd_create('x')\nos.write(fd, open('/bin/grep', 'rb').read())\nos.execv(f'/proc/self/fd/{fd}', ['grep', '-E', 'CapEff|Seccomp:', '/proc/self/status'])";
    assert_eq!(run(&python(memory)).well(), "CapEff:\t0000000000000000\nSeccomp:\t2\n");
}

#[test]
fn remounting_the_system_writable_is_refused() {
    let said = run(&sh("mount -o remount,rw,bind /usr; touch /usr/x"));
    assert!(matches!(said.report.ended, Ended::Exit(1..)), "{said:?}");
    assert!(!std::path::Path::new("/usr/x").exists());
}

#[test]
fn a_private_folder_on_the_way_does_not_matter_to_root() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = Folder::new();
    let private = folder.dir("private");
    folder.dir("private/w");
    folder.file("private/w/f", "here");
    std::os::unix::fs::chown(&private, Some(0), Some(0)).expect("root's");
    fs::set_permissions(&private, fs::Permissions::from_mode(0o700)).expect("private");
    let mut spec = sh("cat /w/f");
    spec.mounts.push(Mount::read_only(folder.path("private/w"), "/w"));
    assert_eq!(run(&spec).well(), "here");
}
