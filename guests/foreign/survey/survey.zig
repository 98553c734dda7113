// As go/main.go, in Zig.
const std = @import("std");

fn less(_: void, a: []const u8, b: []const u8) bool {
    return std.mem.lessThan(u8, a, b);
}

pub fn main() !void {
    const alloc = std.heap.wasm_allocator;
    var buffer = std.io.bufferedWriter(std.io.getStdOut().writer());
    const out = buffer.writer();
    const args = try std.process.argsAlloc(alloc);
    try out.writeAll("args:");
    for (args[1..]) |arg| try out.print(" {s}", .{arg});
    const env = try std.process.getEnvMap(alloc);
    try out.print("\nGREETING: {s}\n", .{env.get("GREETING") orelse ""});
    const text = try std.io.getStdIn().readToEndAlloc(alloc, 1 << 20);
    var counts = std.StringArrayHashMap(u32).init(alloc);
    var tokens = std.mem.tokenizeAny(u8, text, " \n");
    while (tokens.next()) |word| {
        const entry = try counts.getOrPutValue(word, 0);
        entry.value_ptr.* += 1;
    }
    const words = try alloc.dupe([]const u8, counts.keys());
    std.mem.sort([]const u8, words, {}, less);
    for (words) |word| try out.print("{s} {d}\n", .{ word, counts.get(word).? });
    const first = std.time.nanoTimestamp();
    const seconds = std.time.epoch.EpochSeconds{ .secs = @intCast(@divFloor(first, std.time.ns_per_s)) };
    try out.print("year: {d}\n", .{seconds.getEpochDay().calculateYearDay().year});
    try out.print("time passes: {}\n", .{std.time.nanoTimestamp() > first});
    try out.print("random bytes differ: {}\n", .{std.crypto.random.int(u128) != std.crypto.random.int(u128)});
    const opened = if (std.fs.cwd().openFile("etc/passwd", .{})) |_| true else |_| false;
    try out.print("file opened: {}\n", .{opened});
    try buffer.flush();
    if (args.len > 1 and std.mem.eql(u8, args[1], "fail")) {
        try std.io.getStdErr().writeAll("asked to fail\n");
        std.process.exit(3);
    }
}
