//! The agent of `plugins/hello` in C: the same calls with the same arguments, in the same order.

#include "pit.h"
#include <stdlib.h>

#define SYSTEM                                                                                                         \
  "You greet people who open a repository for the first time. Answer with the greeting alone: two or three plain "     \
  "sentences on what the repository is for."

/// A text that grows. Memory is never given back: the agent's ends with the agent.
typedef struct {
  char *ptr;
  size_t len;
} text_t;

static void add_n(text_t *text, const void *bytes, size_t len) {
  char *grown = realloc(text->ptr, text->len + len + 1);
  if (grown == NULL)
    abort();
  memcpy(grown + text->len, bytes, len);
  text->ptr = grown;
  text->len += len;
  grown[text->len] = 0;
}

static void add(text_t *text, const char *s) { add_n(text, s, strlen(s)); }
static void add_string(text_t *text, agent_string_t s) { add_n(text, s.ptr, s.len); }

static agent_string_t string(text_t text) { return (agent_string_t){(uint8_t *)text.ptr, text.len}; }

static agent_string_t literal(const char *s) {
  agent_string_t out;
  agent_string_set(&out, s);
  return out;
}

static void say(const char *what, agent_string_t about) {
  pit_agent_log_level_t level = {.tag = PIT_AGENT_LOG_LEVEL_INFO};
  text_t line = {0};
  add(&line, what);
  add_string(&line, about);
  agent_string_t message = string(line);
  pit_agent_log_write(&level, &message);
}

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The text of all parts of a reply, without the space around it.
static agent_string_t trimmed_text(const pit_agent_model_reply_t *reply) {
  text_t text = {0};
  add(&text, "");
  for (size_t i = 0; i < reply->parts.len; i++)
    if (reply->parts.ptr[i].tag == PIT_AGENT_MODEL_PART_TEXT)
      add_string(&text, reply->parts.ptr[i].val.text);
  while (text.len > 0 && is_space(text.ptr[text.len - 1]))
    text.len--;
  while (text.len > 0 && is_space(*text.ptr))
    text.ptr++, text.len--;
  return string(text);
}

bool exports_agent_run(agent_task_t *task, agent_outcome_t *ret, agent_failure_t *err) {
  pit_agent_types_error_t error;

  agent_string_t glob = literal("README*");
  pit_agent_workspace_listing_t page;
  if (!pit_agent_workspace_list(&glob, NULL, 1, &page, &error))
    return pit_refused(err, &error);
  if (page.entries.len == 0)
    return pit_failed(err, "not-found", "the repository has no README");
  agent_string_t path = page.entries.ptr[0].path;

  pit_agent_workspace_lines_t lines = {.first = 1, .last = 60};
  pit_agent_workspace_content_t content;
  if (!pit_agent_workspace_read(&path, &lines, &content, &error))
    return pit_refused(err, &error);
  say("read ", path);

  text_t question = {0};
  add(&question, "The task: ");
  add_string(&question, task->goal);
  add(&question, "\n\n");
  add_string(&question, path);
  add(&question, " begins:\n\n");
  add_n(&question, content.bytes.ptr, content.bytes.len);

  pit_agent_model_part_t part = {.tag = PIT_AGENT_MODEL_PART_TEXT, .val.text = string(question)};
  pit_agent_model_message_t message = {.role.tag = PIT_AGENT_MODEL_ROLE_USER, .parts = {&part, 1}};
  pit_agent_model_request_t request = {
      .system = literal(SYSTEM),
      .messages = {&message, 1},
      .choice.tag = PIT_AGENT_MODEL_CHOICE_AUTOMATIC,
      .max_output = {true, 400},
  };
  pit_agent_model_reply_t reply;
  if (!pit_agent_model_ask(&request, &reply, &error))
    return pit_refused(err, &error);

  text_t greeting = {0};
  add(&greeting, "# Hello\n\n");
  add_string(&greeting, trimmed_text(&reply));
  add(&greeting, "\n");
  agent_string_t file = literal("HELLO.md"), hash;
  agent_list_u8_t bytes = {(uint8_t *)greeting.ptr, greeting.len};
  pit_agent_workspace_write_options_t options = {0};
  if (!pit_agent_workspace_write(&file, &bytes, &options, &hash, &error))
    return pit_refused(err, &error);

  agent_string_t title = literal("Greet whoever opens the repository");
  pit_agent_vcs_committed_t commit;
  if (!pit_agent_vcs_commit(&title, &commit, &error))
    return pit_refused(err, &error);
  say("committed ", commit.id);

  text_t summary = {0};
  add(&summary, "wrote HELLO.md from ");
  add_string(&summary, path);
  return pit_done(ret, summary.ptr);
}
