//! What every agent in C writes once: a report, a failure of its own, and the error of a call passed on.

#ifndef PIT_H
#define PIT_H

#include "agent.h"
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

/// Gives up because a call was not carried out. Takes the error's kind and message over.
static inline bool pit_refused(agent_failure_t *err, pit_agent_types_error_t *error) {
  memset(err, 0, sizeof *err);
  err->kind = error->kind;
  err->message = error->message;
  return false;
}

#endif
