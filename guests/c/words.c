// Word statistics in map and reduce tasks over a table: one line "word count" for each word, in the order of the words' bytes.
// A word is a run of letters in lower case, with single apostrophes inside; a byte above 0x7f is a letter.
#include "abi.h"

typedef struct {
  const uint8_t *s;
  uint32_t len;
  uint64_t count;
} word;

static uint8_t lower(uint8_t c) { return c >= 'A' && c <= 'Z' ? c | 32 : c; }

static int letter(uint8_t c) { return c > 0x7f || ((c | 32) >= 'a' && (c | 32) <= 'z'); }

static int order(const word *a, const word *b) {
  uint32_t n = a->len < b->len ? a->len : b->len;
  for (uint32_t i = 0; i < n; i++) {
    int d = lower(a->s[i]) - lower(b->s[i]);
    if (d != 0) return d;
  }
  return a->len < b->len ? -1 : a->len > b->len;
}

// frequent puts the greater count first.
static int frequent(const word *a, const word *b) {
  if (a->count != b->count) return a->count < b->count ? 1 : -1;
  return order(a, b);
}

typedef int (*compare)(const word *, const word *);

// sift restores the heap below i, in which no child comes behind its parent.
static void sift(word *w, uint32_t n, uint32_t i, compare cmp) {
  word v = w[i];
  for (uint32_t k; (k = 2 * i + 1) < n; i = k) {
    if (k + 1 < n && cmp(w + k, w + k + 1) < 0) k++;
    if (cmp(&v, w + k) >= 0) break;
    w[i] = w[k];
  }
  w[i] = v;
}

static void heapsort(word *w, uint32_t n, compare cmp) {
  for (uint32_t i = n / 2; i-- > 0;) sift(w, n, i, cmp);
  while (n > 1) {
    word v = w[--n];
    w[n] = w[0];
    w[0] = v;
    sift(w, n, 0, cmp);
  }
}

// text is a table as it is written.
typedef struct {
  uint8_t *s;
  uint32_t len, room;
} text;

static text text_of(uint32_t room) { return (text){take(room), 0, room}; }

static void put(text *t, uint8_t c) {
  if (t->len == t->room) {
    text more = text_of(t->room + t->room / 2 + 64);
    for (uint32_t i = 0; i < t->len; i++) more.s[i] = t->s[i];
    t->s = more.s;
    t->room = more.room;
  }
  t->s[t->len++] = c;
}

static void put_word(text *t, const word *w) {
  for (uint32_t i = 0; i < w->len; i++) put(t, lower(w->s[i]));
  put(t, ' ');
  uint8_t digits[20];
  int n = 0;
  uint64_t c = w->count;
  do digits[n++] = '0' + c % 10; while ((c /= 10) > 0);
  while (n > 0) put(t, digits[--n]);
  put(t, '\n');
}

static bytes *put_all(const word *w, uint32_t n) {
  text t = text_of(16 * n);
  for (uint32_t i = 0; i < n; i++) put_word(&t, w + i);
  return give(t.s, t.len);
}

// set is a hash table of words, at most half full. A slot without length is empty.
typedef struct {
  word *slots;
  uint32_t size, used; // size is a power of two
} set;

static set set_of(uint32_t size) { return (set){take(size * (uint64_t)sizeof(word)), size, 0}; }

static word *find(const set *t, const word *w) {
  uint32_t h = 2166136261u; // FNV-1a
  for (uint32_t i = 0; i < w->len; i++) h = (h ^ lower(w->s[i])) * 16777619u;
  for (;; h++) {
    word *slot = t->slots + (h & (t->size - 1));
    if (slot->len == 0 || order(slot, w) == 0) return slot;
  }
}

static void add(set *t, const word *w) {
  word *slot = find(t, w);
  if (slot->len != 0) {
    slot->count++;
    return;
  }
  *slot = *w;
  if (++t->used <= t->size / 2) return;
  set more = set_of(2 * t->size);
  for (uint32_t i = 0; i < t->size; i++)
    if (t->slots[i].len != 0) *find(&more, t->slots + i) = t->slots[i];
  t->slots = more.slots;
  t->size = more.size;
}

// inside reports whether byte i belongs to a word.
static int inside(const uint8_t *s, uint32_t len, uint32_t i) {
  if (letter(s[i])) return 1;
  return s[i] == '\'' && i > 0 && i + 1 < len && letter(s[i - 1]) && letter(s[i + 1]);
}

// words_count(text, part, parts) is the table of the words that begin in one of so many equal parts of text, part counted from 0: all the
// parts' tables merged are the table of the text.
EXPORT(words_count) bytes *words_count(const uint8_t *s, uint32_t len, uint32_t part, uint32_t parts) {
  if (part >= parts) __builtin_trap();
  uint32_t i = (uint64_t)len * part / parts, end = (uint64_t)len * (part + (uint64_t)1) / parts;
  if (i > 0 && inside(s, len, i - 1))
    while (i < end && inside(s, len, i)) i++;
  set t = set_of(1024);
  while (i < end) {
    if (!inside(s, len, i)) {
      i++;
      continue;
    }
    word w = {s + i, 0, 1};
    while (i < len && inside(s, len, i)) i++;
    w.len = s + i - w.s;
    add(&t, &w);
  }
  uint32_t n = 0;
  for (uint32_t k = 0; k < t.size; k++)
    if (t.slots[k].len != 0) t.slots[n++] = t.slots[k];
  heapsort(t.slots, n, order);
  return put_all(t.slots, n);
}

// read takes the next line of a table; a table that is not written as above traps. It returns 0 at the end.
static int read(bytes *table, word *w) {
  if (table->len == 0) return 0;
  const uint8_t *s = table->ptr, *end = s + table->len;
  *w = (word){s, 0, 0};
  while (s < end && *s != ' ') s++;
  w->len = s - w->s;
  if (w->len == 0 || s == end) __builtin_trap();
  for (s++; s < end && *s >= '0' && *s <= '9'; s++) {
    if (w->count > (UINT64_MAX - 9) / 10) __builtin_trap();
    w->count = w->count * 10 + (*s - '0');
  }
  if (s == end || *s != '\n' || s[-1] == ' ') __builtin_trap();
  s++;
  table->len = end - s;
  table->ptr = (uint8_t *)s;
  return 1;
}

// words_merge(a, b) is one table with the counts of both.
EXPORT(words_merge) bytes *words_merge(uint8_t *a, uint32_t a_len, uint8_t *b, uint32_t b_len) {
  bytes left = {a, a_len}, right = {b, b_len};
  word x, y;
  text t = text_of(a_len > b_len ? a_len : b_len);
  int more_x = read(&left, &x), more_y = read(&right, &y);
  while (more_x || more_y) {
    int d = !more_x ? 1 : !more_y ? -1 : order(&x, &y);
    word w = d <= 0 ? x : y;
    if (d == 0 && __builtin_add_overflow(x.count, y.count, &w.count)) __builtin_trap();
    put_word(&t, &w);
    if (d <= 0) more_x = read(&left, &x);
    if (d >= 0) more_y = read(&right, &y);
  }
  return give(t.s, t.len);
}

// words_top(table, n) is the n most frequent words of a table, the most frequent first, and those as frequent in the words' order.
EXPORT(words_top) bytes *words_top(uint8_t *table, uint32_t len, uint32_t n) {
  bytes t = {table, len};
  uint32_t lines = 0, k = 0;
  for (uint32_t i = 0; i < len; i++) lines += table[i] == '\n';
  word *w = take(lines * (uint64_t)sizeof(word));
  while (read(&t, w + k)) k++;
  heapsort(w, k, frequent);
  return put_all(w, k < n ? k : n);
}
