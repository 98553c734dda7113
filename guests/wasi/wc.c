// wc [-clw]... counts the bytes, lines and words of its standard input, as the POSIX utility does in the C locale: a WASI command with
// the C library's streams.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int usage(const char *arg) {
  fprintf(stderr, "wc: unknown argument %s\n", arg);
  return 2;
}

int main(int argc, char **argv) {
  int show[3] = {0}; // lines, words, bytes
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] != '-' || argv[i][1] == 0) return usage(argv[i]);
    for (const char *c = argv[i] + 1; *c; c++) {
      const char *kind = strchr("lwc", *c);
      if (!kind) return usage(argv[i]);
      show[kind - "lwc"] = 1;
    }
  }
  if (!show[0] && !show[1] && !show[2]) show[0] = show[1] = show[2] = 1;

  unsigned long long n[3] = {0};
  int inside = 0;
  for (int c; (c = getchar()) != EOF; n[2]++) {
    n[0] += c == '\n';
    n[1] += !inside && !isspace(c);
    inside = !isspace(c);
  }
  if (ferror(stdin)) {
    perror("wc");
    return 1;
  }
  const char *between = "";
  for (int i = 0; i < 3; i++) {
    if (!show[i]) continue;
    printf("%s%llu", between, n[i]);
    between = " ";
  }
  return printf("\n") < 0;
}
