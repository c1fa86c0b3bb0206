// SPDX-License-Identifier: Apache-2.0
import Glibc

/// xattr(7) for tests. The functions are looked up by name, as in ``GlibcExtensions``.
// SAFETY: each unsafeBitCast is to the prototype that the function has in its manual page.
public enum ExtendedAttributes {
    /// The value; nil with errno set if there is none.
    public static func get(_ path: String, _ name: String) throws -> String? {
        typealias Get =
            @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
        let get = unsafeBitCast(try GlibcExtensions.symbol("getxattr"), to: Get.self)
        return read { get(path, name, $0.baseAddress, $0.count) }
    }

    public static func names(_ path: String) throws -> [String] {
        typealias List = @convention(c) (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
        let list = unsafeBitCast(try GlibcExtensions.symbol("listxattr"), to: List.self)
        let text = read { list(path, $0.baseAddress, $0.count) } ?? ""
        return text.split(separator: "\0").map(String.init)
    }

    /// Returns 0, or errno.
    public static func set(_ path: String, _ name: String, _ value: String) throws -> Int32 {
        typealias Set =
            @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafePointer<CChar>, Int, Int32) -> Int32
        let set = unsafeBitCast(try GlibcExtensions.symbol("setxattr"), to: Set.self)
        return set(path, name, value, value.utf8.count, 0) == 0 ? 0 : errno
    }

    private static func read(_ call: (UnsafeMutableRawBufferPointer) -> Int) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes(call)
        return count < 0 ? nil : String(decoding: buffer[0..<count], as: UTF8.self)
    }
}
