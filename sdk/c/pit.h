//! What every agent in C writes once: a report, a failure of its own, and the error of a call passed on.

#ifndef PIT_H
#define PIT_H

#include "agent.h"
#include <stdlib.h>
#include <string.h>

/// Ends the run with a report that says no more than `summary`. Copies the text.
static inline bool pit_done(agent_outcome_t *ret, const char *summary) {
  memset(ret, 0, sizeof *ret);
  ret->tag = PIT_AGENT_TYPES_OUTCOME_DONE;
  agent_string_dup(&ret->val.done.summary, summary);
  return true;
}

/// Gives up for a reason of the agent's own. Copies both texts.
static inline bool pit_failed(agent_failure_t *err, const char *kind, const char *message) {
  memset(err, 0, sizeof *err);
  agent_string_dup(&err->kind, kind);
  agent_string_dup(&err->message, message);
  return false;
}

/// Gives up because a call was not carried out. Takes the error over; its rule and hint travel in `more`, so that whoever
/// started the agent can read them.
static inline bool pit_refused(agent_failure_t *err, pit_agent_types_error_t *error) {
  size_t len = error->more.len;
  agent_tuple2_string_string_t *more = realloc(error->more.len ? error->more.ptr : NULL, (len + 2) * sizeof *more);
  if (more == NULL)
    abort();
  if (error->rule.is_some) {
    agent_string_dup(&more[len].f0, "rule");
    more[len++].f1 = error->rule.val;
  }
  if (error->hint.is_some) {
    agent_string_dup(&more[len].f0, "hint");
    more[len++].f1 = error->hint.val;
  }
  *err = (agent_failure_t){.kind = error->kind, .message = error->message, .more = {more, len}};
  return false;
}

#endif
