// As go/main.go, in AssemblyScript with its WASI shim.
const args = process.argv.slice(1);
console.log("args: " + args.join(" "));
console.log("GREETING: " + (process.env.has("GREETING") ? process.env.get("GREETING") : ""));
const chunk = new ArrayBuffer(4096);
let text = "";
for (let n = process.stdin.read(chunk); n > 0; n = process.stdin.read(chunk)) {
  text += String.UTF8.decodeUnsafe(changetype<usize>(chunk), <usize>n);
}
const counts = new Map<string, i32>();
const tokens = text.replaceAll("\n", " ").split(" ");
for (let i = 0; i < tokens.length; i++) {
  const word = tokens[i];
  if (word.length > 0) counts.set(word, (counts.has(word) ? counts.get(word) : 0) + 1);
}
const words = counts.keys().sort();
for (let i = 0; i < words.length; i++) console.log(words[i] + " " + counts.get(words[i]).toString());
console.log("year: " + new Date(Date.now()).getUTCFullYear().toString());
const first = process.hrtime();
console.log("time passes: " + (process.hrtime() > first ? "true" : "false"));
console.log("random bytes differ: " + (Math.random() != Math.random() ? "true" : "false"));
// The shim has no files.
console.log("file opened: false");
if (args.length > 0 && args[0] == "fail") {
  process.stderr.write("asked to fail\n");
  process.exit(3);
}
