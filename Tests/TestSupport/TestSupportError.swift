// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The error of every part of this library. People read it in a test's report, and no code matches it, so it holds just
/// one sentence that names the failed action.
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

/// Repeats a C call as long as a signal interrupts it. Throws an error that names `what` if it returns -1.
@discardableResult
func systemCall<Value: SignedInteger>(_ what: @autoclosure () -> String, _ call: () -> Value) throws -> Value {
    while true {
        let value = call()
        if value != -1 { return value }
        let code = errno
        if code != EINTR { throw TestSupportError.system(what(), code) }
    }
}
