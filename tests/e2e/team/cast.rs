//! Scripts for teams, put together from what each agent says.

/// A script.
pub struct Cast(String);

impl Cast {
    /// With a planner that hands over these tasks, each an inline table of TOML.
    pub fn new(tasks: &[&str]) -> Self {
        Self(
            "schema = 1\n[model]\nprice = { input = 3.0, cached_read = 0.3, cache_write = 3.75, output = 15.0 }\n"
                .into(),
        )
        .says("planner", "", &[&propose(tasks)])
    }

    /// One conversation more: who, what else must hold, and the replies.
    pub fn says(self, agent: &str, when: &str, replies: &[&str]) -> Self {
        let replies: String = replies.iter().map(|reply| format!("[[conversation.reply]]\n{reply}\n")).collect();
        Self(format!("{}[[conversation]]\nagent = \"{agent}\"\n{when}\n{replies}", self.0))
    }

    /// The coder of the task with this title.
    pub fn coder(self, title: &str, replies: &[&str]) -> Self {
        self.says("coder", &format!("first_contains = {:?}", titled(title)), replies)
    }

    /// A first review of the task with these words.
    pub fn review(self, words: &str, reply: &str) -> Self {
        let when = format!("first_contains = \"Review: {words}\"\nfirst_lacks = \"After round 1\"");
        self.says("reviewer", &when, &[reply])
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// How a coder's first message begins: no other message has a title there.
pub fn titled(title: &str) -> String {
    format!("# Task\n\n{title}\n")
}

/// A call of a tool.
pub fn call(tool: &str, arguments: &str) -> String {
    format!("calls = [{{ tool = \"{tool}\", arguments = {{ {arguments} }} }}]")
}

/// The planner's last word.
pub fn propose(tasks: &[&str]) -> String {
    call("propose_plan", &format!("tasks = [{}]", tasks.join(", ")))
}

/// A task of a plan.
pub fn task(id: &str, title: &str, criteria: &str, files: &str, after: &str) -> String {
    format!(
        "{{ id = \"{id}\", title = \"{title}\", goal = \"{title}.\", criteria = [{criteria}], files = [{files}], after = [{after}] }}"
    )
}

/// Makes a file.
pub fn create(path: &str, text: &str) -> String {
    let edit = format!("command = \"create\", path = \"{path}\", file_text = {text:?}");
    call("str_replace_based_edit_tool", &edit)
}

/// Replaces a text in a file.
pub fn replace(path: &str, old: &str, new: &str) -> String {
    let edit = format!("command = \"str_replace\", path = \"{path}\", old_str = {old:?}, new_str = {new:?}");
    call("str_replace_based_edit_tool", &edit)
}

/// A coder's last word: what it did, and the criteria that it says are met.
pub fn finish(summary: &str, met: &[&str]) -> String {
    let met: Vec<String> = met.iter().map(|id| finding(id, true)).collect();
    call("finish", &format!("summary = {summary:?}, criteria = [{}]", met.join(", ")))
}

/// A reviewer's yes.
pub fn approve(met: &[&str]) -> String {
    let met: Vec<String> = met.iter().map(|id| finding(id, true)).collect();
    call("judge", &format!("verdict = \"approve\", criteria = [{}], remarks = []", met.join(", ")))
}

/// A reviewer's no to one criterion.
pub fn send_back(id: &str, remark: &str) -> String {
    call("judge", &format!("verdict = \"send-back\", criteria = [{}], remarks = [{remark:?}]", finding(id, false)))
}

fn finding(id: &str, met: bool) -> String {
    format!("{{ id = \"{id}\", met = {met}, evidence = \"seen for {id}\" }}")
}
