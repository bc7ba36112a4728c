//! Native commands and checks from C: what is granted runs, what is not is refused, and what comes of it is told.

#include "pit.h"
#include <stdio.h>

static agent_string_t literal(const char *s) {
  agent_string_t out;
  agent_string_set(&out, s);
  return out;
}

static pit_agent_exec_command_t command(agent_string_t *words, size_t count) {
  pit_agent_exec_command_t command = {0};
  command.argv = (agent_list_string_t){words, count};
  return command;
}

bool exports_agent_run(agent_task_t *task, agent_outcome_t *ret, agent_failure_t *err) {
  (void)task;
  pit_agent_types_error_t error;

  agent_string_t other[] = {literal("rm"), literal("README.md")};
  pit_agent_exec_command_t refused = command(other, 2);
  pit_agent_exec_ran_t ran;
  if (pit_agent_exec_run(&refused, &ran, &error))
    return pit_failed(err, "invalid", "what was not granted was run");

  agent_string_t words[] = {literal("cp"), literal("README.md"), literal("made.txt")};
  pit_agent_exec_command_t copy = command(words, 3);
  if (!pit_agent_exec_run(&copy, &ran, &error))
    return pit_refused(err, &error);
  if (ran.ended.tag != PIT_AGENT_EXEC_ENDED_EXITED || ran.ended.val.exited != 0)
    return pit_failed(err, "invalid", "it did not end well");

  agent_string_t level = literal("full");
  pit_agent_exec_verdict_t verdict;
  if (!pit_agent_exec_check(&level, &verdict, &error))
    return pit_refused(err, &error);

  agent_string_t title = literal("Copy the README");
  pit_agent_vcs_committed_t commit;
  if (!pit_agent_vcs_commit(&title, &commit, &error))
    return pit_refused(err, &error);

  static char summary[400];
  snprintf(summary, sizeof summary, "wrote %zu files; %.*s", ran.changed.len, (int)verdict.line.len,
           (const char *)verdict.line.ptr);
  return pit_done(ret, summary);
}
