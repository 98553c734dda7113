// A tokenizer of JSON (RFC 8259) that checks the grammar. Bytes above 0x7f are taken as they come, inside strings.
#include "abi.h"

#define MAX_DEPTH 10000 // as deep as arrays and objects may lie in each other

typedef struct {
  const uint8_t *s;
  uint32_t len, at; // at is the byte that is looked at next, or where the text went wrong
} text;

// here is the byte at t->at, or -1 at the end.
static int here(const text *t) { return t->at < t->len ? t->s[t->at] : -1; }

static int digit(int c) { return c >= '0' && c <= '9'; }

static int hex(int c) { return digit(c) || ((c | 32) >= 'a' && (c | 32) <= 'f'); }

static int digits(text *t) {
  if (!digit(here(t))) return 0;
  while (digit(here(t))) t->at++;
  return 1;
}

// number, string and literal pass one token; 0 says that the byte at t->at does not belong there.

static int number(text *t) {
  if (here(t) == '-') t->at++;
  if (here(t) == '0') {
    t->at++;
  } else if (!digits(t)) {
    return 0;
  }
  if (here(t) == '.') {
    t->at++;
    if (!digits(t)) return 0;
  }
  if ((here(t) | 32) != 'e') return 1;
  t->at++;
  if (here(t) == '+' || here(t) == '-') t->at++;
  return digits(t);
}

static int escape(text *t) {
  switch (here(t)) {
  case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r': case 't':
    t->at++;
    return 1;
  case 'u':
    t->at++;
    for (int i = 0; i < 4; i++, t->at++)
      if (!hex(here(t))) return 0;
    return 1;
  }
  return 0;
}

static int string(text *t) {
  t->at++;
  for (;;) {
    int c = here(t);
    if (c < 0x20) return 0;
    t->at++;
    if (c == '"') return 1;
    if (c == '\\' && !escape(t)) return 0;
  }
}

static int literal(text *t, const char *word) {
  for (; *word; word++, t->at++)
    if (here(t) != *word) return 0;
  return 1;
}

static int scalar(text *t, int c) {
  switch (c) {
  case '"': return string(t);
  case 't': return literal(t, "true");
  case 'f': return literal(t, "false");
  case 'n': return literal(t, "null");
  }
  return number(t);
}

enum want { VALUE, VALUE_OR_END, KEY, KEY_OR_END, COLON, MORE };

static uint8_t object[MAX_DEPTH]; // of each open one, whether it is an object

// tokenize writes one letter for each token to kinds, which has room for t->len: one of {}[]:, or s for a string, 0 for a number, t, f, n.
// It returns how many there are, or -1 if the byte at t->at, or the end there, does not belong.
static int64_t tokenize(text *t, uint8_t *kinds) {
  enum want want = VALUE;
  uint32_t depth = 0;
  int64_t n = 0;
  for (;; n++) {
    int c = here(t);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') t->at++, c = here(t);
    int value = want == VALUE || want == VALUE_OR_END, inside = depth > 0 && object[depth - 1];
    switch (c) {
    case -1:
      return want == MORE && depth == 0 ? n : -1;
    case '{':
    case '[':
      if (!value || depth == MAX_DEPTH) return -1;
      object[depth++] = c == '{';
      want = c == '{' ? KEY_OR_END : VALUE_OR_END;
      break;
    case '}':
      if (want != KEY_OR_END && !(want == MORE && inside)) return -1;
      depth--;
      want = MORE;
      break;
    case ']':
      if (want != VALUE_OR_END && !(want == MORE && depth > 0 && !inside)) return -1;
      depth--;
      want = MORE;
      break;
    case ':':
      if (want != COLON) return -1;
      want = VALUE;
      break;
    case ',':
      if (want != MORE || depth == 0) return -1;
      want = inside ? KEY : VALUE;
      break;
    default: {
      int key = want == KEY || want == KEY_OR_END;
      if (!value && !(key && c == '"') || !scalar(t, c)) return -1;
      kinds[n] = c == '"' ? 's' : c == '-' || digit(c) ? '0' : c;
      want = key ? COLON : MORE;
      continue;
    }
    }
    kinds[n] = c;
    t->at++;
  }
}

// json_tokens(text) is the letters of the tokens of text; behind those of a text that is no JSON stands !.
EXPORT(json_tokens) bytes *json_tokens(const uint8_t *s, uint32_t len) {
  text t = {s, len, 0};
  uint8_t *kinds = take((uint64_t)len + 1);
  int64_t ok = tokenize(&t, kinds);
  uint32_t n = 0;
  while (kinds[n]) n++; // the last byte stays zero
  if (ok < 0) kinds[n++] = '!';
  return give(kinds, n);
}

// json_check(text) is the number of tokens, or -1-k if byte k of text does not belong there; k is the length if text ends too early.
EXPORT(json_check) int64_t json_check(const uint8_t *s, uint32_t len) {
  text t = {s, len, 0};
  int64_t n = tokenize(&t, take(len));
  return n >= 0 ? n : -1 - (int64_t)t.at;
}
