"""The agent of `plugins/hello` in Python: the same calls with the same arguments, in the same order."""

from orchestra_pit import Err, Failure, agent, ask, log, read_text, vcs, workspace, write_text

SYSTEM = (
    "You greet people who open a repository for the first time. Answer with the greeting alone: two or "
    "three plain sentences on what the repository is for."
)


def run(task):
    entries = workspace.list("README*", None, 1).entries
    if not entries:
        raise Err(Failure("not-found", "the repository has no README", []))
    path = entries[0].path
    readme = read_text(path, 1, 60)
    log.write(log.Level_Info(), f"read {path}")

    greeting = ask(f"The task: {task.goal}\n\n{path} begins:\n\n{readme}", SYSTEM, 400)

    write_text("HELLO.md", f"# Hello\n\n{greeting.strip()}\n")
    commit = vcs.commit("Greet whoever opens the repository")
    log.write(log.Level_Info(), f"committed {commit.id}")
    return f"wrote HELLO.md from {path}"


WitWorld = agent(run)
