//! The person's own editor, on a text of an agent.

#![expect(
    clippy::disallowed_methods,
    reason = "starts the editor that the person has chosen, on a file of this user's only"
)]

use std::io::Write as _;

/// Bytes of an edited text.
const MOST: u64 = 1 << 20;

/// Has the person change a text, and hands over what it is then. The file is readable by this user only, and gone afterwards.
///
/// # Errors
/// Why nothing came of it, in one line.
pub async fn edit(text: String) -> Result<String, String> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let told = |error: std::io::Error| error.to_string();
    let mut file = tempfile::Builder::new().prefix("pit-").suffix(".toml").tempfile().map_err(told)?;
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(told)?;
    // As git does it: the variable may hold a program with its arguments. The path is an argument of its own.
    let mut shell = tokio::process::Command::new("sh");
    shell.arg("-c").arg(format!("{editor} \"$@\"")).arg(&editor).arg(file.path()).kill_on_drop(true);
    let status = shell.status().await.map_err(|error| format!("`{editor}` cannot be started: {error}"))?;
    if !status.success() {
        return Err(format!("`{editor}` ended with {status}; nothing was changed (VISUAL or EDITOR names another)"));
    }
    // By its path: many editors put a new file in the old one's place.
    let size = std::fs::metadata(file.path()).map_err(told)?.len();
    if size > MOST {
        return Err(format!("the text has {size} bytes now; at most {MOST} can be taken"));
    }
    std::fs::read_to_string(file.path()).map_err(told)
}
