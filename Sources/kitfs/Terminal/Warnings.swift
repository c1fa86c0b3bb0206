// SPDX-License-Identifier: Apache-2.0
private import Synchronization

/// Warnings of one command: each is told once, however many parents of a kit bring it up.
final class Warnings: Sendable {
    private let told = Mutex<Set<String>>([])

    func tell(_ text: String) {
        if told.withLock({ $0.insert(text).inserted }) { Terminal.warning(text) }
    }
}
