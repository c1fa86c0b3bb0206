// SPDX-License-Identifier: Apache-2.0
import Glibc

/// What every part of this library throws. It is read by people in a test's report, never matched by code,
/// so one sentence that names what was tried is all it holds.
public struct TestSupportError: Error, Sendable, CustomStringConvertible {
    public let description: String
    /// errno, where a C call failed.
    public let code: Int32?

    public init(_ description: String) {
        self.init(description, code: nil)
    }

    private init(_ description: String, code: Int32?) {
        self.description = description
        self.code = code
    }

    /// The failure of a C call that set errno.
    ///
    /// - Parameter code: defaults to errno, so call this before anything else can overwrite it.
    static func system(_ what: String, _ code: Int32 = errno) -> TestSupportError {
        TestSupportError("\(what): \(String(cString: strerror(code))) (errno \(code))", code: code)
    }
}

/// Repeats a C call for as long as a signal interrupts it, and turns -1 into a thrown error naming `what`.
@discardableResult
func systemCall<Value: SignedInteger>(_ what: @autoclosure () -> String, _ call: () -> Value) throws -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        let code = errno
        if code != EINTR { throw TestSupportError.system(what(), code) }
    }
}
