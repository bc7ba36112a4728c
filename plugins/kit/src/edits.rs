//! The edit tools of each shape, made steps of the host's one engine.

use crate::Args;
use crate::look;
use crate::shape::Shape;
use crate::tool::{invalid, plain, tool};
use orchestra_pit_sdk::Error;
use orchestra_pit_sdk::model::Tool;
use orchestra_pit_sdk::workspace::{EditStep, Edited, Replace};

/// Of the family that calls it by this name.
pub const EDIT_TOOL: &str = "str_replace_based_edit_tool";
/// Of the family that calls it by this name.
pub const PATCH: &str = "apply_patch";
/// SEARCH and REPLACE.
pub const BLOCKS: &str = "edit_file";
/// One replacement.
pub const REPLACE: &str = "replace";
/// A new file.
pub const CREATE: &str = "create_file";
/// Moves a file.
pub const MOVE: &str = "move_file";
/// Removes a file.
pub const REMOVE: &str = "remove_file";

/// The tools that read and edit files.
pub fn tools(shape: Shape) -> Vec<Tool> {
    let mut tools = match shape {
        Shape::EditTool => vec![edit_tool()],
        Shape::Patch => vec![look::read_tool(), patch()],
        Shape::Blocks => vec![look::read_tool(), blocks(), create()],
        Shape::Envelope | Shape::Line => vec![look::read_tool(), replace(), create()],
    };
    tools.extend(look::tools());
    // A patch moves and removes too.
    if shape != Shape::Patch {
        tools.push(tool(
            MOVE,
            "Moves a file.",
            r#"{"type":"object","properties":{"from":{"type":"string"},"to":{"type":"string"}},"required":["from","to"],"additionalProperties":false}"#,
        ));
        tools.push(tool(
            REMOVE,
            "Removes a file.",
            r#"{"type":"object","properties":{"path":{"type":"string"}},"required":["path"],"additionalProperties":false}"#,
        ));
    }
    tools
}

fn edit_tool() -> Tool {
    tool(
        EDIT_TOOL,
        "Views and edits files. view: a file with line numbers, up to 400 lines at once, or a folder. create: a new \
         file. str_replace: replaces a text that is in the file exactly once. insert: puts a text after a line, 0 for \
         the top.",
        r#"{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert"]},"path":{"type":"string","description":"Relative to the repository, as in src/lib.rs"},"view_range":{"type":"array","items":{"type":"integer"},"description":"For view: first and last line; -1 is the end"},"file_text":{"type":"string","description":"For create"},"old_str":{"type":"string","description":"For str_replace"},"new_str":{"type":"string","description":"For str_replace; left out: the text is removed"},"insert_line":{"type":"integer","description":"For insert"},"insert_text":{"type":"string","description":"For insert"}},"required":["command","path"],"additionalProperties":false}"#,
    )
}

fn patch() -> Tool {
    tool(
        PATCH,
        "Changes files with a patch: *** Begin Patch, then for each file *** Update File: PATH (with *** Move to: PATH \
         if it is moved), *** Add File: PATH or *** Delete File: PATH, then *** End Patch. In an update each place \
         begins with @@ and has lines that start with a space (context), - or +. All of it is done, or nothing.",
        r#"{"type":"object","properties":{"input":{"type":"string","description":"The whole patch"}},"required":["input"],"additionalProperties":false}"#,
    )
}

fn blocks() -> Tool {
    tool(
        BLOCKS,
        "Changes files with blocks. Each block is the file's path on a line of its own, then the lines `<<<<<<< SEARCH`, \
         the text as it is, `=======`, the text as it shall be, `>>>>>>> REPLACE`. The first text must be in the file \
         exactly once. All blocks of a call are done, or none.",
        r#"{"type":"object","properties":{"blocks":{"type":"string"}},"required":["blocks"],"additionalProperties":false}"#,
    )
}

fn replace() -> Tool {
    tool(
        REPLACE,
        "Replaces a text that is in the file exactly once.",
        r#"{"type":"object","properties":{"path":{"type":"string"},"old":{"type":"string"},"new":{"type":"string"}},"required":["path","old","new"],"additionalProperties":false}"#,
    )
}

fn create() -> Tool {
    tool(
        CREATE,
        "Makes a new file.",
        r#"{"type":"object","properties":{"path":{"type":"string"},"text":{"type":"string"}},"required":["path","text"],"additionalProperties":false}"#,
    )
}

/// What an edit call asks for.
#[derive(Clone, PartialEq, Debug)]
pub enum Wanted {
    /// Show a file or folder.
    View(String, Option<i64>, Option<i64>),
    /// Edit: what it is about, and the step.
    Edit(String, EditStep),
    /// Move a file.
    Move(String, String),
    /// Remove a file.
    Remove(String),
}

/// Reads a call. `None` if it is none of these tools.
pub fn wanted(name: &str, args: &Args) -> Option<Result<Wanted, Error>> {
    Some(match name {
        EDIT_TOOL => edit_tool_call(args),
        PATCH => text_of(args, "input").map(|text| Wanted::Edit(patched(&text), EditStep::Patch(text))),
        BLOCKS => text_of(args, "blocks").map(|text| Wanted::Edit(blocked(&text), EditStep::Blocks(text))),
        REPLACE => replacement(args, "old", "new"),
        CREATE => creation(args, "text"),
        MOVE => args.path("from").and_then(|from| Ok(Wanted::Move(from.to_owned(), args.path("to")?.to_owned()))),
        REMOVE => args.path("path").map(|path| Wanted::Remove(path.to_owned())),
        _ => return None,
    })
}

fn text_of(args: &Args, name: &str) -> Result<String, Error> {
    args.text(name).map(str::to_owned)
}

fn edit_tool_call(args: &Args) -> Result<Wanted, Error> {
    match args.text("command")? {
        "view" => {
            let number =
                |at: usize| args.list("view_range").map(|range| range.get(at).and_then(serde_json::Value::as_i64));
            Ok(Wanted::View(args.path("path")?.to_owned(), number(0)?, number(1)?))
        }
        "create" => creation(args, "file_text"),
        "str_replace" => replacement(args, "old_str", "new_str"),
        "insert" => {
            let path = args.path("path")?.to_owned();
            let line = args.number_if("insert_line")?.and_then(|line| u32::try_from(line).ok());
            let line = line.ok_or_else(|| invalid("the argument `insert_line` must be a line's number, or 0"))?;
            // An older version of the tool called it `new_str`, and models remember.
            let text = match args.text_if("insert_text")? {
                Some(text) => text,
                None => args.text("new_str")?,
            };
            let text = if text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") };
            Ok(Wanted::Edit(format!("insert {path}"), EditStep::Insert((path, line, text))))
        }
        other => Err(invalid(format!("there is no command {other:?}; use view, create, str_replace or insert"))),
    }
}

fn creation(args: &Args, text: &str) -> Result<Wanted, Error> {
    let path = args.path("path")?.to_owned();
    let text = text_of(args, text)?;
    Ok(Wanted::Edit(format!("create {path}"), EditStep::Create((path, text))))
}

fn replacement(args: &Args, old: &str, new: &str) -> Result<Wanted, Error> {
    let path = args.path("path")?.to_owned();
    let old = text_of(args, old)?;
    let new = args.text_if(new)?.unwrap_or_default().to_owned();
    Ok(Wanted::Edit(format!("edit {path}"), EditStep::Replace(Replace { path, old, new, all: false })))
}

/// What a patch is about: its first file.
fn patched(text: &str) -> String {
    let file = |line: &str| line.strip_prefix("*** ")?.split_once(" File: ").map(|(_, path)| plain(path).to_owned());
    format!("patch {}", text.lines().find_map(file).unwrap_or_default())
}

/// What blocks are about: the line above the first.
fn blocked(text: &str) -> String {
    let above = text.lines().take_while(|line| !line.contains("SEARCH")).filter(|line| !line.trim().is_empty()).last();
    format!("edit {}", plain(above.unwrap_or_default()))
}

/// What the model is told of an edit that was done.
pub fn told(edited: &[Edited]) -> String {
    let mut text = String::new();
    for edited in edited {
        let what = match (edited.hash.is_empty(), edited.places) {
            (true, _) => "removed".to_owned(),
            (_, 1) => "1 place changed".to_owned(),
            (_, places) => format!("{places} places changed"),
        };
        text.push_str(&format!("{}: {what}", edited.path));
        if !matches!(edited.nearness.as_str(), "exact" | "") {
            text.push_str(&format!(
                "; the text was not there to the letter, but near ({}): look whether it is right",
                edited.nearness
            ));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, arguments: &str) -> Result<Wanted, String> {
        wanted(name, &Args::new(arguments).unwrap()).unwrap().map_err(|error| error.message)
    }

    fn replace(path: &str, old: &str, new: &str) -> EditStep {
        EditStep::Replace(Replace { path: path.into(), old: old.into(), new: new.into(), all: false })
    }

    #[test]
    fn the_edit_tool_is_read_as_its_family_writes_it() {
        let view = read(EDIT_TOOL, r#"{"command":"view","path":"./src/","view_range":[10,-1]}"#);
        assert_eq!(view, Ok(Wanted::View("src".into(), Some(10), Some(-1))));
        let edit = read(EDIT_TOOL, r#"{"command":"str_replace","path":"a","old_str":"x","new_str":"y"}"#);
        assert_eq!(edit, Ok(Wanted::Edit("edit a".into(), replace("a", "x", "y"))));
        let gone = read(EDIT_TOOL, r#"{"command":"str_replace","path":"a","old_str":"x"}"#);
        assert_eq!(gone, Ok(Wanted::Edit("edit a".into(), replace("a", "x", ""))));
        for text in ["insert_text", "new_str"] {
            let insert = read(EDIT_TOOL, &format!(r#"{{"command":"insert","path":"a","insert_line":0,"{text}":"x"}}"#));
            assert_eq!(insert, Ok(Wanted::Edit("insert a".into(), EditStep::Insert(("a".into(), 0, "x\n".into())))));
        }
        let create = read(EDIT_TOOL, r#"{"command":"create","path":"a","file_text":"x"}"#);
        assert_eq!(create, Ok(Wanted::Edit("create a".into(), EditStep::Create(("a".into(), "x".into())))));
    }

    #[test]
    fn patches_and_blocks_go_to_the_engine_as_they_came() {
        let patch = "*** Begin Patch\n*** Update File: src/a.rs\n@@\n-x\n+y\n*** End Patch\n";
        let read_patch = read(PATCH, &format!(r#"{{"input":{}}}"#, serde_json::to_string(patch).unwrap()));
        assert_eq!(read_patch, Ok(Wanted::Edit("patch src/a.rs".into(), EditStep::Patch(patch.into()))));
        let blocks = "src/a.rs\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n";
        let read_blocks = read(BLOCKS, &format!(r#"{{"blocks":{}}}"#, serde_json::to_string(blocks).unwrap()));
        assert_eq!(read_blocks, Ok(Wanted::Edit("edit src/a.rs".into(), EditStep::Blocks(blocks.into()))));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(read(EDIT_TOOL, r#"{"command":"undo_edit","path":"a"}"#).unwrap_err().contains("use view, create"));
        assert!(read(EDIT_TOOL, r#"{"command":"insert","path":"a"}"#).unwrap_err().contains("insert_line"));
        assert_eq!(read(PATCH, "{}"), Err("the argument `input` is missing".into()));
        assert!(wanted("bash", &Args::new("{}").unwrap()).is_none());
    }

    #[test]
    fn every_shape_can_read_edit_create_and_remove() {
        for shape in [Shape::EditTool, Shape::Patch, Shape::Blocks, Shape::Envelope] {
            let names: Vec<String> = tools(shape).into_iter().map(|tool| tool.name).collect();
            let has = |name: &str| names.iter().any(|there| there == name);
            assert!(has("list_files") && has("search"), "{names:?}");
            assert!(has(EDIT_TOOL) || has("read_file"), "{names:?}");
            assert!(has(EDIT_TOOL) || has(PATCH) || has(CREATE), "{names:?}");
            assert!(has(PATCH) || (has(MOVE) && has(REMOVE)), "{names:?}");
        }
    }

    #[test]
    fn a_near_match_is_pointed_out() {
        let edited = |nearness: &str, hash: &str| Edited {
            path: "a".into(),
            hash: hash.into(),
            places: 1,
            nearness: nearness.into(),
            more: Vec::new(),
        };
        assert_eq!(told(&[edited("exact", "0"), edited("exact", "")]), "a: 1 place changed\na: removed\n");
        assert!(told(&[edited("indent", "0")]).contains("near (indent)"));
    }
}
