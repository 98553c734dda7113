// Package trilemma is the root of the module: workflows of deterministic WebAssembly tasks with a signed receipt at
// every step, and several ways to check them. It holds no code, only the tests of the repository as a whole.
package trilemma
