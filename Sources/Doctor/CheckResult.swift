// SPDX-License-Identifier: Apache-2.0
private import HostSystem

/// The result of one check of `doctor`.
package struct CheckResult: Encodable, Sendable {
    package enum Verdict: String, Encodable, Sendable {
        case ok
        /// A mount works, but some feature of it does not.
        case note
        /// A mount fails, now or soon.
        case problem
    }

    package let check: String
    package let verdict: Verdict
    package let text: String
    /// How to fix it: a command where there is one.
    package let remedy: String?

    static func ok(_ check: String, _ text: String) -> CheckResult {
        CheckResult(check: check, verdict: .ok, text: text, remedy: nil)
    }

    static func note(_ check: String, _ text: String, _ remedy: String? = nil) -> CheckResult {
        CheckResult(check: check, verdict: .note, text: text, remedy: remedy)
    }

    package static func problem(_ check: String, _ text: String, _ remedy: String? = nil) -> CheckResult {
        CheckResult(check: check, verdict: .problem, text: text, remedy: remedy)
    }

    /// A command that needs root, as this user would type it.
    static func asRoot(_ command: String) -> String { Environment.isRoot ? command : "sudo \(command)" }
}
