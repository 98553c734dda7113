// As go/main.go, in Rust.
use std::collections::hash_map::RandomState;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};
use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, io, process};

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    println!("args: {}", args.join(" "));
    println!("GREETING: {}", env::var("GREETING").unwrap_or_default());
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).unwrap();
    let mut counts: HashMap<&str, u32> = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word).or_default() += 1;
    }
    let mut words: Vec<_> = counts.into_iter().collect();
    words.sort();
    for (word, n) in words {
        println!("{word} {n}");
    }
    let first = SystemTime::now();
    let days = first.duration_since(UNIX_EPOCH).unwrap().as_secs() / 86400;
    println!("year: {}", 1970 + days * 400 / 146097);
    println!("time passes: {}", SystemTime::now() > first);
    // The keys of a hash table are drawn anew in each thread, and counted up within it: two hashers differ.
    let draw = || RandomState::new().build_hasher().finish();
    println!("random bytes differ: {}", draw() != draw());
    println!("file opened: {}", fs::read("/etc/passwd").is_ok());
    if args.first().map(String::as_str) == Some("fail") {
        eprintln!("asked to fail");
        process::exit(3);
    }
}
