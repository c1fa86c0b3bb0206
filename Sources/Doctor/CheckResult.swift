// SPDX-License-Identifier: Apache-2.0
private import HostSystem

/// What `doctor` has found of one thing that a mount needs.
package struct CheckResult: Encodable, Sendable {
    package enum Verdict: String, Encodable, Sendable {
        case ok
        /// A mount works, but not all that may be wanted of it.
        case note
        /// A mount does not work, or not for long.
        case problem
    }

    package let check: String
    package let verdict: Verdict
    package let text: String
    /// What mends it: a command where there is one.
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

    /// A command for root, as this user gives it.
    static func asRoot(_ command: String) -> String { Environment.isRoot ? command : "sudo \(command)" }
}
