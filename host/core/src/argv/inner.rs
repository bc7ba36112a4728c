//! The commands that a command starts, as far as its arguments say.

use super::Word;

/// Wrappers within wrappers that are looked through; nobody honest needs more.
const DEEPEST: usize = 8;

/// Programs that start what their arguments name, and their options that take a value of their own.
const WRAPPERS: &[(&str, &[&str])] = &[
    ("env", &["-u", "--unset", "-C", "--chdir", "-a", "--argv0"]),
    ("nice", &["-n", "--adjustment"]),
    ("ionice", &["-c", "-n", "-p", "--class", "--classdata"]),
    ("nohup", &[]),
    ("setsid", &[]),
    ("time", &["-f", "--format", "-o", "--output"]),
    ("timeout", &["-s", "--signal", "-k", "--kill-after"]),
    ("stdbuf", &["-i", "-o", "-e", "--input", "--output", "--error"]),
    ("taskset", &[]),
    ("chrt", &[]),
    ("sudo", &["-u", "-g", "-C", "-D", "-h", "-p"]),
    ("doas", &["-u", "-C"]),
    ("command", &[]),
    ("exec", &["-a"]),
    ("builtin", &[]),
    ("busybox", &[]),
    ("watch", &["-n", "--interval"]),
    ("unshare", &[]),
    ("strace", &["-e", "-o", "-s", "-p"]),
    ("ltrace", &["-e", "-o", "-s", "-p"]),
    ("script", &[]),
];

/// Of these, the first argument that is no option is not the program yet.
const ONE_MORE: &[&str] = &["timeout", "taskset", "chrt"];

/// Programs that read commands from a text.
const SHELLS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "rbash", "eval"];

/// A command that another one starts.
pub(super) struct Started {
    pub(super) words: Vec<Word>,
    /// Further arguments follow that nobody knows.
    pub(super) open: bool,
}

/// The commands that a command starts, itself left out; none if that cannot be told.
pub(super) fn commands(argv: &[String]) -> Option<Vec<Started>> {
    let words: Vec<Word> = argv.iter().cloned().map(Some).collect();
    let mut found = Vec::new();
    look(&words, false, DEEPEST, &mut found)?;
    Some(found)
}

fn look(words: &[Word], open: bool, deep: usize, found: &mut Vec<Started>) -> Option<()> {
    let deep = deep.checked_sub(1)?;
    let program = words.first()?.as_deref()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    if SHELLS.contains(&name) {
        // What follows a text are the text's own arguments; `eval` makes more text of it.
        let script = script(name, words).filter(|_| !(open && name == "eval"))?;
        for words in shell(&script)? {
            look(&words, false, deep, found)?;
            found.push(Started { words, open: false });
        }
    } else if name == "find" || name == "fd" {
        if open {
            return None;
        }
        for at in words.iter().enumerate().filter(|(_, word)| starts_one(word.as_deref())).map(|(at, _)| at) {
            inner(&words[at + 1..], false, deep, found)?;
        }
    } else if name == "parallel" {
        // It runs what it reads, by a shell.
        return None;
    } else if name == "xargs" {
        let (mut started, replaced) = fed(&words[1..])?;
        // Without a command it shows what it reads. With replacing, each argument may be another one.
        started.iter_mut().skip(1).filter(|_| replaced).for_each(|word| *word = None);
        inner(&started, true, deep, found)?;
    } else if let Some((_, valued)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) {
        let behind = behind(name, &words[1..], valued)?;
        if open && behind.is_empty() {
            return None;
        }
        inner(behind, open, deep, found)?;
    }
    Some(())
}

/// The command that `xargs` is given, and whether it puts what it reads in the place of `{}`. None for options that are not
/// known: what follows them may be a value or the command.
fn fed(words: &[Word]) -> Option<(Vec<Word>, bool)> {
    const PLAIN: &[&str] =
        &["-0", "-r", "-t", "-p", "-x", "-o", "--null", "--no-run-if-empty", "--verbose", "--exit", "--open-tty"];
    const VALUED: &[&str] = &["-a", "-d", "-E", "-L", "-n", "-P", "-s"];
    const LONG: &[&str] =
        &["--arg-file", "--delimiter", "--max-args", "--max-procs", "--max-lines", "--max-chars", "--eof"];
    let (mut at, mut replaced) = (0, false);
    while let Some(word) = words.get(at) {
        let word = word.as_deref()?;
        let attached = |options: &[&str]| options.iter().any(|option| word.starts_with(option));
        match word {
            "--" => {
                at += 1;
                break;
            }
            "-I" if words.get(at + 1)?.as_deref()? == "{}" => (at, replaced) = (at + 2, true),
            "-I{}" | "-i" | "-i{}" | "--replace" | "--replace={}" => (at, replaced) = (at + 1, true),
            _ if PLAIN.contains(&word) => at += 1,
            _ if VALUED.contains(&word) => at += 2,
            _ if attached(VALUED) => at += 1,
            _ if LONG.iter().any(|long| word.strip_prefix(long).is_some_and(|rest| rest.starts_with('='))) => at += 1,
            _ if word.starts_with('-') => return None,
            _ => break,
        }
    }
    let command = words.get(at..).unwrap_or_default();
    let program = command.first().and_then(|word| word.as_deref()).unwrap_or_default();
    (!(replaced && program.contains("{}"))).then(|| (command.to_vec(), replaced))
}

fn starts_one(word: Option<&str>) -> bool {
    matches!(word, Some("-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec" | "--exec-batch"))
}

fn inner(words: &[Word], open: bool, deep: usize, found: &mut Vec<Started>) -> Option<()> {
    if words.is_empty() {
        return Some(());
    }
    look(words, open, deep, found)?;
    found.push(Started { words: words.to_vec(), open });
    Some(())
}

/// What stands behind a wrapper's own options and assignments.
fn behind<'a>(name: &str, words: &'a [Word], valued: &[&str]) -> Option<&'a [Word]> {
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let word = word.as_deref()?;
        // `env -S` takes a command line as one text.
        if name == "env" && (word.starts_with("-S") || word.starts_with("--split-string")) {
            return None;
        }
        match word {
            "--" => {
                at += 1;
                break;
            }
            _ if valued.contains(&word) => at += 2,
            _ if word.starts_with('-') && word.len() > 1 => at += 1,
            _ if name == "env" && word.contains('=') => at += 1,
            _ => break,
        }
    }
    if ONE_MORE.contains(&name) {
        at += 1;
    }
    Some(words.get(at..).unwrap_or_default())
}

/// The text that a shell is given to run; none if it comes from a file or from standard input.
fn script(name: &str, words: &[Word]) -> Option<String> {
    if name == "eval" {
        return words[1..].iter().cloned().collect::<Option<Vec<_>>>().map(|words| words.join(" "));
    }
    let flag = |word: &str| word.starts_with('-') && !word.starts_with("--") && word.contains('c');
    let at = words.iter().position(|word| word.as_deref().is_some_and(flag))?;
    // Between `-c` and the text there may be more options.
    words[at + 1..].iter().find(|word| !word.as_deref().is_some_and(|word| word.starts_with('-')))?.clone()
}

/// The simple commands of a shell's text. None for what takes a shell to understand.
fn shell(text: &str) -> Option<Vec<Vec<Word>>> {
    let mut commands = vec![Vec::new()];
    let mut word: Option<(String, bool)> = None;
    let mut chars = text.chars().peekable();
    let end = |word: &mut Option<(String, bool)>, commands: &mut Vec<Vec<Word>>| {
        if let (Some((text, known)), Some(command)) = (word.take(), commands.last_mut()) {
            command.push(known.then_some(text));
        }
    };
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => end(&mut word, &mut commands),
            ';' | '|' | '&' | '\n' | '(' | ')' => {
                end(&mut word, &mut commands);
                commands.push(Vec::new());
            }
            '\'' => {
                let (text, _) = word.get_or_insert_default_known();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => text.push(c),
                    }
                }
            }
            '"' => {
                let (text, known) = word.get_or_insert_default_known();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '$' => *known = false,
                        '`' => return None,
                        '\\' => text.push(chars.next()?),
                        c => text.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default_known().0.push(chars.next()?),
            // What is put in by the shell can be any word, and a command in a command any command.
            '`' => return None,
            '$' if chars.peek() == Some(&'(') => return None,
            '$' | '*' | '?' | '[' | '~' => word.get_or_insert_default_known().1 = false,
            // Where output goes is no argument; a text fed in may be a script.
            '<' if chars.peek() == Some(&'<') => return None,
            '<' | '>' => {
                word.take();
                while chars.next_if(|c| matches!(c, '>' | '&' | ' ')).is_some() {}
                while chars.next_if(|c| !" \t;|&\n()".contains(*c)).is_some() {}
            }
            c => word.get_or_insert_default_known().0.push(c),
        }
    }
    end(&mut word, &mut commands);
    const KEYWORDS: &[&str] =
        &["if", "then", "else", "elif", "while", "until", "do", "!", "{", "}", "fi", "done", "esac", "time"];
    let mut simple = Vec::new();
    for command in commands {
        let lead = |word: &Word| word.as_deref().is_some_and(|word| KEYWORDS.contains(&word) || is_assignment(word));
        let command: Vec<Word> = command.into_iter().skip_while(lead).collect();
        match command.first() {
            None => {}
            Some(Some(word)) if matches!(word.as_str(), "for" | "case" | "function" | "alias" | "." | "source") => {
                return None;
            }
            // The program itself is only known to the shell.
            Some(None) => return None,
            Some(Some(_)) => simple.push(command),
        }
    }
    Some(simple)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

trait Begun {
    fn get_or_insert_default_known(&mut self) -> &mut (String, bool);
}

impl Begun for Option<(String, bool)> {
    /// The word that is being read, begun if there is none.
    fn get_or_insert_default_known(&mut self) -> &mut (String, bool) {
        self.get_or_insert_with(|| (String::new(), true))
    }
}
