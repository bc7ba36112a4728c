"""Write an agent for Orchestra Pit in Python.

An agent is a function from a task to a report. It can do nothing but call the modules of the contract, one for each
noun; each call is judged, paid for and written down by the host before it has any effect.

    from orchestra_pit import agent, log, workspace

    def run(task):
        files = workspace.list("**", None, 1000).entries
        return f"{len(files)} files"

    WitWorld = agent(run)

What `run` returns is a text (the report's summary), a `Report`, or an `Outcome`. A call that is not carried out raises
`Err`, whose `value` is an `Error` with kind, message, rule and hint. An `Err` that `run` does not catch ends the run as
a failure of the same kind, and any other exception as one of kind `broken`: no exception reaches the component's
border, where it would be a trap without a word.
"""

import traceback

from componentize_py_types import Err
from wit_world.imports import board, delegate, exec, human, log, model, types, vcs, workspace
from wit_world.imports.types import Error, Evidence, Failure, Outcome_Again, Outcome_Done, Outcome_Other, Report, Task

__all__ = [
    "Err", "Error", "Evidence", "Failure", "Outcome_Again", "Outcome_Done", "Outcome_Other", "Report", "Task",
    "agent", "ask", "board", "delegate", "exec", "human", "log", "model", "read_text", "report", "types", "vcs", "workspace",
    "write_text",
]


def agent(run):
    """The class that the component exports; the module that is built calls it `WitWorld`."""

    class Agent:
        def run(self, task):
            try:
                return _outcome(run(task))
            except Err as refused:
                raise Err(_failure(refused.value)) from None
            except Exception as broken:
                log.write(log.Level_Debug(), traceback.format_exc())
                raise Err(Failure("broken", f"{type(broken).__name__}: {broken}", [])) from None

    return Agent


def _outcome(value):
    if isinstance(value, str):
        value = report(value)
    return Outcome_Done(value) if isinstance(value, Report) else value


def _failure(error):
    if isinstance(error, Failure):
        return error
    more = list(error.more)
    more += [(name, value) for name, value in (("rule", error.rule), ("hint", error.hint)) if value is not None]
    return Failure(error.kind, error.message, more)


def report(summary, criteria=(), doubts=(), state=None):
    """A report, with what most of them leave out."""
    return Report(summary, list(criteria), list(doubts), state, [])


def ask(question, system="", max_output=None, alias=""):
    """One question to a model; answers the text of its reply."""
    message = model.Message(model.Role_User(), [model.Part_Text(question)], [])
    request = model.Request(alias, system, [message], [], model.Choice_Automatic(), None, max_output, None, [])
    parts = model.ask(request).parts
    return "".join(part.value for part in parts if isinstance(part, model.Part_Text))


def read_text(path, first=1, last=0):
    """Lines of a text file, both included; `last` of 0 is the end. Bytes that are not UTF-8 are replaced."""
    lines = None if (first, last) == (1, 0) else workspace.Lines(first, last)
    return workspace.read(path, lines).bytes.decode("utf-8", "replace")


def write_text(path, text):
    """Writes a text file, whatever is there; answers its hash."""
    return workspace.write(path, text.encode(), workspace.WriteOptions(None, None, []))
