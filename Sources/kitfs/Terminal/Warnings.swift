// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Warnings of one command. Each is shown once, however many parents of a kit cause it.
final class Warnings: Sendable {
    private let told = Mutex<Set<String>>([])

    func tell(_ text: String) {
        if told.withLock({ $0.insert(text).inserted }) { Terminal.warning(text) }
    }
}
