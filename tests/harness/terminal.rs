//! A pit at a terminal of its own, and what that terminal shows.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::stage::{Stage, pit};

/// How long anything may take to be seen.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked.
const LOOK: Duration = Duration::from_millis(50);

/// A pit with a terminal of its own: somebody is there to be asked.
#[must_use]
pub struct Attended {
    child: Box<dyn portable_pty::Child + Send + Sync>,
    terminal: Box<dyn portable_pty::MasterPty + Send>,
    keyboard: Box<dyn std::io::Write + Send>,
    shown: Arc<Mutex<Shown>>,
}

/// What a terminal was sent, and what of it can be seen.
#[derive(Default)]
struct Shown {
    all: Vec<u8>,
    screen: Screen,
}

impl Stage {
    /// Starts pit in the repository, at a terminal.
    pub fn attend(&self, args: &[&str]) -> Attended {
        self.attend_with(args, &[])
    }

    /// The same with variables of the environment.
    pub fn attend_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Attended {
        let plain = self.command(args);
        let mut command = portable_pty::CommandBuilder::new(pit());
        command.env_clear();
        command.env("TERM", "xterm");
        for (name, value) in plain.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        for (name, value) in variables {
            command.env(name, value);
        }
        command.args(args);
        command.cwd(self.repo());
        let size = portable_pty::PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = portable_pty::native_pty_system().openpty(size).expect("a terminal");
        let child = pair.slave.spawn_command(command).expect("pit");
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let keyboard = pair.master.take_writer().expect("a keyboard");
        let shown = Arc::new(Mutex::new(Shown::default()));
        let kept = shown.clone();
        let mut file = std::fs::File::create(self.transcript()).expect("a file");
        // What is shown has to be taken away, or the program waits for room.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                let mut kept = kept.lock().expect("a lock");
                kept.all.extend_from_slice(&bytes[..read]);
                kept.screen.take(&bytes[..read]);
                let _ = file.write_all(&bytes[..read]);
            }
        });
        Attended { child, terminal: pair.master, keyboard, shown }
    }
}

impl Attended {
    /// Types.
    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).and_then(|()| self.keyboard.flush()).expect("a keyboard");
    }

    /// Waits until a text can be seen on the terminal.
    #[track_caller]
    pub fn sees(&self, text: &str) {
        self.waits_for(text, |screen| screen.contains(text));
    }

    /// Waits until a text can be seen no more.
    #[track_caller]
    pub fn sees_no_more(&self, text: &str) {
        self.waits_for(&format!("not `{text}`"), |screen| !screen.contains(text));
    }

    #[track_caller]
    fn waits_for(&self, what: &str, is_there: impl Fn(&str) -> bool) {
        let mut left = PATIENCE;
        while !is_there(&self.screen()) {
            assert!(!left.is_zero(), "no {what} on the terminal within a minute:\n{}", self.screen());
            left = left.saturating_sub(LOOK);
            std::thread::sleep(LOOK);
        }
    }

    /// What can be seen, lines that have scrolled away included.
    pub fn screen(&self) -> String {
        self.shown.lock().expect("a lock").screen.text()
    }

    /// Everything that was sent to the terminal, as it came.
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().expect("a lock").all).into_owned()
    }

    /// Gives the terminal another size.
    pub fn resizes(&self, rows: u16, cols: u16) {
        self.terminal
            .resize(portable_pty::PtySize { rows, cols, pixel_width: 0, pixel_height: 0 })
            .expect("a terminal");
    }

    /// Whether the terminal shows what is typed and waits for whole lines, as a shell expects.
    pub fn is_as_before(&self) -> bool {
        self.terminal.get_termios().is_some_and(|modes| {
            // The same numbers wherever pit runs, but for one.
            let (echo, lines) = (0o10, if cfg!(target_os = "macos") { 0x100 } else { 0o2 });
            let bits = modes.local_flags.bits();
            bits & echo != 0 && bits & lines != 0
        })
    }

    /// Waits for its end and hands over the exit code.
    pub fn code(mut self) -> u32 {
        self.ends()
    }

    /// Waits for its end; the terminal can still be looked at.
    pub fn ends(&mut self) -> u32 {
        self.child.wait().expect("pit ends").exit_code()
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().expect("pit can be killed");
        let _gone = self.child.wait();
    }

    /// Sends it a signal, by its name without `SIG`.
    pub fn signal(&self, name: &str) {
        let process = self.child.process_id().expect("a process").to_string();
        let sent = std::process::Command::new("kill").args(["-s", name, &process]).status().expect("kill");
        assert!(sent.success(), "kill -s {name} {process}");
    }
}

/// The part of a terminal that pit relies on: lines, a cursor that goes up, and erasing what is below it.
#[derive(Default)]
struct Screen {
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
    rest: Vec<u8>,
}

impl Screen {
    fn take(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let valid = match std::str::from_utf8(&self.rest) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text = String::from_utf8_lossy(&self.rest[..valid]).into_owned();
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let length = match c {
                '\x1b' => match self.escape(&text[at..]) {
                    Some(length) => length,
                    None => break,
                },
                c => {
                    self.put(c);
                    c.len_utf8()
                }
            };
            at += length;
        }
        self.rest.drain(..at);
    }

    fn put(&mut self, c: char) {
        match c {
            '\r' => self.column = 0,
            '\n' => self.row += 1,
            '\x08' => self.column = self.column.saturating_sub(1),
            c => {
                while self.lines.len() <= self.row {
                    self.lines.push(Vec::new());
                }
                let line = &mut self.lines[self.row];
                while line.len() <= self.column {
                    line.push(' ');
                }
                line[self.column] = c;
                self.column += 1;
            }
        }
    }

    /// Obeys an escape sequence, and says how long it is; none if it is not all there.
    fn escape(&mut self, text: &str) -> Option<usize> {
        let body = text.strip_prefix("\x1b[")?;
        let end = body.find(|c: char| ('@'..='~').contains(&c))?;
        let number = || body[..end].parse::<usize>().unwrap_or(1).max(1);
        match &body[end..=end] {
            "A" => self.row = self.row.saturating_sub(number()),
            "J" => {
                self.lines.truncate(self.row + 1);
                if let Some(line) = self.lines.get_mut(self.row) {
                    line.truncate(self.column);
                }
            }
            "h" | "l" | "m" => {}
            other => panic!("an escape that no terminal needs: {other} in {text:?}"),
        }
        Some(end + 3)
    }

    fn text(&self) -> String {
        self.lines.iter().map(|line| line.iter().collect::<String>() + "\n").collect()
    }
}
