// SPDX-License-Identifier: Apache-2.0

/// A mount in the background is this same command, started again in the foreground, and in a session of its own as soon
/// as it is usable. Until then it is one of the caller's process group: Ctrl-C is for it, too, and of an automount only
/// that group may enter the directory.
package enum BackgroundMount {
    /// Starts the child and waits for its word. Throws `CommandFailure` with its reason if the mount failed.
    package static func start() throws {
        var pipe = try ReadinessPipe()
        let child = try pipe.start(OwnProcess(isQuiet: true))
        while try !pipe.read() {}
        try pipe.takeWord(of: child)
    }
}
