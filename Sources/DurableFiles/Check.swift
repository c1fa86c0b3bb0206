// SPDX-License-Identifier: Apache-2.0
internal import Glibc
package import SystemPackage

/// The result of a system call that returns -1 on failure; throws errno then. To be called with the call itself as the
/// argument, so that nothing comes between the two.
@discardableResult
package func check<Result: SignedInteger>(_ result: Result) throws(Errno) -> Result {
    guard result >= 0 else { throw Errno(rawValue: errno) }
    return result
}

/// As `check`, where a signal may interrupt the call, which is then made again.
@discardableResult
package func checkUninterrupted<Result: SignedInteger>(_ call: () -> Result) throws(Errno) -> Result {
    while true {
        let result = call()
        if result >= 0 { return result }
        if errno != EINTR { throw Errno(rawValue: errno) }
    }
}

/// What `body` returns; nil where there is no such file or directory. Any other error says nothing about that, and is
/// thrown.
package func ifThere<Value>(_ body: () throws(Errno) -> Value) throws(Errno) -> Value? {
    do {
        return try body()
    } catch .noSuchFileOrDirectory {
        return nil
    }
}
