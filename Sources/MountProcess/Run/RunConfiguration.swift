// SPDX-License-Identifier: Apache-2.0

/// What `kitfs run` runs, and where the kit is mounted for it.
package struct RunConfiguration: Sendable {
    /// The command and its arguments, not empty: the last words of our own command line.
    package let words: [String]
    /// An existing directory to mount on, as it was named; nil for one in the runtime directory.
    package let directory: String?
    /// Whether others see the mount, too.
    package let isSeenByAll: Bool
    /// What the command is to find of signals.
    package let inheritedSignals: InheritedSignals

    package init(words: [String], directory: String?, isSeenByAll: Bool, inheritedSignals: InheritedSignals) {
        self.words = words
        self.directory = directory
        self.isSeenByAll = isSeenByAll
        self.inheritedSignals = inheritedSignals
    }
}
