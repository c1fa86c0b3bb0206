// SPDX-License-Identifier: Apache-2.0

/// A mount in the background is this command, started again in the foreground. It stays in the caller's process group
/// until the mount is usable: Ctrl-C reaches it, and an automount lets only that group enter the directory. Then it
/// gets its own session.
package enum BackgroundMount {
    /// Starts the child and waits until the mount is usable. Throws `CommandFailure` with the child's reason.
    package static func start() throws {
        var pipe = try ReadinessPipe()
        let child = try pipe.start(OwnProcess(isQuiet: true))
        while try !pipe.read() {}
        try pipe.takeWord(of: child)
    }
}
