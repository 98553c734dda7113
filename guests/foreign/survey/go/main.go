// Command survey is one of five programs, each in another language, that do the same: they try what a WASI command may, and
// say what they found. Given "fail" as an argument they end with status 3.
package main

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"os"
	"sort"
	"strings"
	"time"
)

func main() {
	fmt.Println("args:", strings.Join(os.Args[1:], " "))
	fmt.Println("GREETING:", os.Getenv("GREETING"))
	counts := map[string]int{}
	in := bufio.NewScanner(os.Stdin)
	in.Split(bufio.ScanWords)
	for in.Scan() {
		counts[in.Text()]++
	}
	words := make([]string, 0, len(counts))
	for w := range counts {
		words = append(words, w)
	}
	sort.Strings(words)
	for _, w := range words {
		fmt.Println(w, counts[w])
	}
	first := time.Now()
	fmt.Println("year:", first.UTC().Year())
	fmt.Println("time passes:", time.Now().After(first))
	var a, b [16]byte
	rand.Read(a[:])
	rand.Read(b[:])
	fmt.Println("random bytes differ:", a != b)
	_, err := os.ReadFile("/etc/passwd")
	fmt.Println("file opened:", err == nil)
	if len(os.Args) > 1 && os.Args[1] == "fail" {
		fmt.Fprintln(os.Stderr, "asked to fail")
		os.Exit(3)
	}
}
