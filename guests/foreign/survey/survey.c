// As go/main.go, in C with wasi-libc.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(int argc, char **argv) {
  printf("args:");
  for (int i = 1; i < argc; i++) printf(" %s", argv[i]);
  const char *greeting = getenv("GREETING");
  printf("\nGREETING: %s\n", greeting ? greeting : "");
  char *words[1000], word[100];
  int n = 0;
  while (n < 1000 && scanf("%99s", word) == 1) words[n++] = strdup(word);
  qsort(words, n, sizeof *words, compare);
  for (int i = 0, k; i < n; i = k) {
    for (k = i; k < n && strcmp(words[i], words[k]) == 0;) k++;
    printf("%s %d\n", words[i], k - i);
  }
  struct timespec first, second;
  clock_gettime(CLOCK_REALTIME, &first);
  clock_gettime(CLOCK_REALTIME, &second);
  printf("year: %d\n", gmtime(&first.tv_sec)->tm_year + 1900);
  int later = second.tv_sec > first.tv_sec || (second.tv_sec == first.tv_sec && second.tv_nsec > first.tv_nsec);
  printf("time passes: %s\n", later ? "true" : "false");
  char a[16], b[16];
  int differ = getentropy(a, sizeof a) == 0 && getentropy(b, sizeof b) == 0 && memcmp(a, b, sizeof a) != 0;
  printf("random bytes differ: %s\n", differ ? "true" : "false");
  printf("file opened: %s\n", fopen("/etc/passwd", "r") ? "true" : "false");
  if (argc > 1 && strcmp(argv[1], "fail") == 0) {
    fputs("asked to fail\n", stderr);
    return 3;
  }
  return 0;
}
